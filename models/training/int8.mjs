/**
 * Tensors of the int8 graph of a network with learned scales. Such a network has, besides what
 * `floatNetwork.mjs` describes:
 *
 * - `input.quantization`: { scale, zeroPoint } of the int8 input,
 * - for each layer with weights `weightScales` (and `recurrentWeightScales`) [outputs or gates], of
 *   which its weights are multiples,
 * - for each layer that computes new values `quantization`: { scale, zeroPoint } of its output.
 */
import { namesOf } from './floatNetwork.mjs';

/** Operators whose int8 output always has the same scale and zero point. */
export const fixedOutputs = { gru: { scale: 1 / 128, zeroPoint: 0 }, softmax: { scale: 1 / 256, zeroPoint: -128 } };

/** int32 biases stay below this, so that the sum with the products fits in an int32. */
const MOST_BIAS = 2 ** 30;

/** { scale, zeroPoint } of a whole tensor as kinglet's graph has it. */
export function perTensor({ scale, zeroPoint }) {
  return { scale: [scale], zeroPoint: [zeroPoint], axis: 0 };
}

/** The quantization of a layer's output; a layer without one moves the values of its input x. */
export function outputQuantization({ op, quantization = fixedOutputs[op] }, x) {
  return quantization ? perTensor(quantization) : x.quantization;
}

/**
 * Weights of a layer as int8 and biases as int32, in the order of the node's inputs.
 *
 * @param x the int8 input of the layer
 * @throws RangeError if a bias does not fit
 */
export function int8Constants(builder, layer, x) {
  const units = {
    bias: [layer.weightScales, x.quantization.scale[0]],
    // the products of a recurrent layer read the state, which has the scale of the output
    recurrentBias: [layer.recurrentWeightScales, outputQuantization(layer, x).scale[0]],
  };
  return namesOf(layer).map((part) => {
    const { data, shape } = layer[part];
    const name = `${layer.name}/${part}`;
    if (units[part]) return builder.constant(int32Bias(data, ...units[part], name), shape, undefined, name);
    const axis = layer.op === 'depthwiseConv2d' ? shape.length - 1 : 0;
    const scale = perOutput(layer[scalesOf(part)].data, shape[axis]);
    const inner = axis === 0 ? data.length / shape[0] : 1;
    const integers = Int8Array.from(data, (w, i) => Math.round(w / scale[Math.floor(i / inner) % shape[axis]]));
    return builder.constant(integers, shape, { scale, zeroPoint: scale.map(() => 0), axis }, name);
  });
}

/** The name of the scales of `weights` or `recurrentWeights`. */
function scalesOf(part) {
  return part.replace(/s$/, 'Scales');
}

/** The scale of each output. Consecutive groups of outputs share one. */
function perOutput(scales, outputs) {
  return Array.from({ length: outputs }, (_, row) => scales[Math.floor(row * scales.length / outputs)]);
}

/** A bias has the scale of its accumulator: that of the output's weights times the input's. */
function int32Bias(bias, weightScales, inputScale, name) {
  const scales = perOutput(weightScales.data, bias.length);
  return Int32Array.from(bias, (value, row) => {
    const integer = Math.round(value / (scales[row] * inputScale));
    if (Math.abs(integer) < MOST_BIAS) return integer;
    throw new RangeError(`${name}[${row}] is ${value}, which is ${integer} at the scale ${
      scales[row] * inputScale
    }; at most ` + `${MOST_BIAS} fits beside the products, so the scale of its weights must be larger`);
  });
}
