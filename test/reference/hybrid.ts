import { input, output, type AnyNode, type Node, type Tensor, type TensorData } from '../../src/graph/graph';
import { clamp, fround, realRange, roundHalfAwayFromZero } from './requantize';
import { allocate, type Inputs } from './support';

type Layer = Node<'conv2d'> | Node<'depthwiseConv2d'> | Node<'fullyConnected'>;

/** Whether the layer multiplies float32 activations by int8 weights. */
export function isHybrid(node: Layer): boolean {
  return input(node, 0).dtype === 'float32' && input(node, 1).dtype === 'int8';
}

/**
 * TensorFlow Lite's hybrid layers. Each image (row of a fully connected layer) is quantized by its
 * own range and accumulated in integers; f32(accumulator) · f32(scale · weight scale) + bias is the
 * float32 result.
 */
export function hybrid<N extends Layer>(
  node: N,
  inputs: Inputs,
  layer: (node: N, inputs: Inputs) => TensorData[],
): TensorData[] {
  const [x, w, y] = [input(node, 0), input(node, 1), output(node)];
  const out = allocate(y);
  const images = x.shape[0]!;
  const sizeIn = inputs[0]!.length / images;
  const sizeOut = out.length / images;
  const channels = y.shape.at(-1);
  const scales = w.quantization!.scale;
  const [min, max] = realRange(node.attributes.activation);
  for (let n = 0; n < images; n++) {
    const { values, scale, zeroPoint } = quantizeImage(
      (inputs[0] as Float32Array).subarray(n * sizeIn, (n + 1) * sizeIn),
      node.attributes.hybrid === 'asymmetric',
    );
    const quantized: Tensor = {
      name: x.name,
      shape: [1, ...x.shape.slice(1)],
      dtype: 'int8',
      quantization: { scale: [scale], zeroPoint: [zeroPoint], axis: 0 },
    };
    const accumulators: Tensor = { name: y.name, shape: [1, ...y.shape.slice(1)], dtype: 'int32' };
    const integer = {
      ...node,
      inputs: [quantized, w, null],
      outputs: [accumulators],
      attributes: { ...node.attributes, activation: 'none' },
    } as AnyNode as N;
    layer(integer, [values, inputs[1]!, null])[0]!.forEach((accumulator, i) => {
      const factor = fround(scale * fround(scales[scales.length === 1 ? 0 : i % channels]!));
      out[n * sizeOut + i] = clamp(
        fround(fround(fround(accumulator) * factor) + (inputs[2]?.[i % channels] ?? 0)),
        min,
        max,
      );
    });
  }
  return [out];
}

/**
 * Symmetric: ±max|x| maps to ±127. Asymmetric: [min(x, 0), max(x, 0)] maps to −128 … 127, and zero
 * is exactly representable.
 */
export function quantizeImage(
  x: Float32Array,
  asymmetric: boolean,
): { values: Int8Array; scale: number; zeroPoint: number } {
  const min = x.reduce((a, b) => Math.min(a, b), 0);
  const max = x.reduce((a, b) => Math.max(a, b), 0);
  let scale = 1;
  let zeroPoint = 0;
  if (max > min && asymmetric) {
    const step = (max - min) / 255;
    const fromMin = -128 - min / step;
    const fromMax = 127 - max / step;
    // derived from the end of the range that has the smaller rounding error
    zeroPoint = clamp(
      roundHalfAwayFromZero(128 + Math.abs(min / step) < 127 + Math.abs(max / step) ? fromMin : fromMax),
      -128,
      127,
    );
    scale = fround(step);
  } else if (max > min) {
    scale = fround(Math.max(-min, max) / 127);
  }
  const inverse = fround(1 / scale);
  return {
    values: Int8Array.from(x, (v) => roundHalfAwayFromZero(clamp(fround(zeroPoint + fround(v * inverse)), -128, 127))),
    scale,
    zeroPoint,
  };
}
