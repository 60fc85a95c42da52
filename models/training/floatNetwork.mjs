/**
 * The float network, which training writes and quantization reads: PATH.json describes the layers,
 * PATH.bin holds their tensors (f32, little-endian, one after another).
 *
 * Layers form a chain. The first layer reads the input, and each other layer reads the output of
 * the previous one. Operator names, attribute names and weight layouts are those of kinglet's
 * graph.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** Tensors that a layer may have, in the order of the node's inputs. */
const INPUTS = ['weights', 'recurrentWeights', 'bias', 'recurrentBias'];

/** Learned scales of a layer's weights (int8.mjs). */
const SCALES = ['weightScales', 'recurrentWeightScales'];

/**
 * @param path of the files, without the extensions .json and .bin
 * @param layers [{ name, op, attributes, weights?: { shape, data }, bias?: { shape, data }, … }]
 */
export function saveFloatNetwork(path, network) {
  const chunks = [];
  let offset = 0;
  const place = ({ shape, data }) => {
    chunks.push(data);
    offset += data.length;
    return { shape, offset: offset - data.length };
  };
  const layers = network.layers.map((layer) => ({
    ...layer,
    ...Object.fromEntries(storedOf(layer).map((name) => [name, place(layer[name])])),
  }));
  const bytes = new DataView(new ArrayBuffer(offset * 4));
  let at = 0;
  for (const chunk of chunks) for (const value of chunk) bytes.setFloat32((at++) * 4, value, true);
  writeFileSync(`${path}.bin`, new Uint8Array(bytes.buffer));
  const head = { name: network.name, input: network.input, output: network.output };
  const lines = layers.map((layer) => `    ${JSON.stringify(layer)}`).join(',\n');
  const headText = JSON.stringify(head, null, 2).replace(/\n\}$/, '');
  writeFileSync(`${path}.json`, `${headText},\n  "layers": [\n${lines}\n  ]\n}\n`);
}

/**
 * @returns { name, input: { name, shape }, output: { name, shape }, layers }, where every tensor
 *   has its `data`
 */
export function loadFloatNetwork(path) {
  const network = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
  const file = readFileSync(`${path}.bin`);
  const bytes = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (const layer of network.layers) {
    for (const name of storedOf(layer)) {
      const tensor = layer[name];
      const length = tensor.shape.reduce((a, b) => a * b, 1);
      tensor.data = Float32Array.from({ length }, (_, i) => bytes.getFloat32((tensor.offset + i) * 4, true));
    }
  }
  return network;
}

/** The names of a layer's tensors that its node reads. */
export function namesOf(layer) {
  return INPUTS.filter((name) => layer[name]);
}

/** The names of all tensors of a layer. */
function storedOf(layer) {
  return [...INPUTS, ...SCALES].filter((name) => layer[name]);
}

/** Runs the network in plain loops. @returns the output, f32 */
export function runFloatNetwork(network, input) {
  let value = { shape: network.input.shape, data: input };
  for (const layer of network.layers) value = operators[layer.op](value, layer);
  return value.data;
}

/** Output shape, multiply-adds and parameters of each layer. */
export function describe(network) {
  let { shape } = network.input;
  return network.layers.map((layer) => {
    shape = shapeAfter(shape, layer);
    const parameters = namesOf(layer).reduce((sum, name) => sum + layer[name].shape.reduce((a, b) => a * b, 1), 0);
    return { name: layer.name, op: layer.op, shape, macs: macs(shape, layer), parameters };
  });
}

function macs(shape, { op, weights, recurrentWeights }) {
  if (!weights) return 0;
  if (op === 'gru') return weights.shape[0] * (weights.shape[1] + recurrentWeights.shape[1]);
  const outputs = shape.reduce((a, b) => a * b, 1);
  const [, kh, kw, ci] = weights.shape;
  return op === 'fullyConnected' ? outputs * weights.shape[1] : outputs * kh * kw * (op === 'depthwiseConv2d' ? 1 : ci);
}

function shapeAfter([n, h, w, c], { op, attributes, shape, weights, recurrentWeights }) {
  switch (op) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      const [top, left, bottom, right] = attributes.padding;
      const [co, kh, kw, last] = weights.shape;
      const oh = Math.floor((h + top + bottom - kh) / attributes.stride[0]) + 1;
      const ow = Math.floor((w + left + right - kw) / attributes.stride[1]) + 1;
      return [n, oh, ow, op === 'conv2d' ? co : last];
    }
    case 'reduce':
      return [n, c];
    case 'reshape':
      return shape;
    case 'fullyConnected':
      return [n, weights.shape[0]];
    case 'gru':
      return [n, recurrentWeights.shape[1]];
    default:
      return c === undefined ? [n, h] : [n, h, w, c];
  }
}

/** (x: { shape, data }, layer) → output: { shape, data } */
export const operators = {
  conv2d(x, layer) {
    const [, , , ci] = x.shape;
    const w = layer.weights.data;
    return convolve(x, layer, (acc, fromX, tap, taps) => {
      for (let co = 0; co < acc.length; co++) acc[co] += dot(x.data, fromX, w, (co * taps + tap) * ci, ci);
    });
  },

  depthwiseConv2d(x, layer) {
    const w = layer.weights.data;
    return convolve(x, layer, (acc, fromX, tap) => {
      for (let c = 0; c < acc.length; c++) acc[c] += x.data[fromX + c] * w[tap * acc.length + c];
    });
  },

  reduce(x, layer) {
    const [, h, w, c] = x.shape;
    const data = new Float32Array(c);
    for (let i = 0; i < x.data.length; i++) data[i % c] += x.data[i] / (h * w);
    return { shape: shapeAfter(x.shape, layer), data };
  },

  reshape: (x, layer) => ({ shape: shapeAfter(x.shape, layer), data: x.data }),

  fullyConnected(x, layer) {
    const [n, k] = layer.weights.shape;
    const data = Float32Array.from(layer.bias.data);
    for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) data[i] += x.data[j] * layer.weights.data[i * k + j];
    return { shape: shapeAfter(x.shape, layer), data };
  },

  softmax(x, layer) {
    const largest = Math.max(...x.data);
    const powers = x.data.map((v) => Math.exp(layer.attributes.beta * (v - largest)));
    const sum = powers.reduce((a, b) => a + b, 0);
    return { shape: x.shape, data: powers.map((v) => v / sum) };
  },
};

function dot(a, fromA, b, fromB, length) {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[fromA + i] * b[fromB + i];
  return sum;
}

/**
 * Iterates over output pixels and filter taps; `accumulate(acc [channels], offset in x, tap, taps)`
 * adds one tap to the accumulators.
 */
function convolve(x, layer, accumulate) {
  const [, h, w, ci] = x.shape;
  const shape = shapeAfter(x.shape, layer);
  const [, oh, ow, channels] = shape;
  const [, kh, kw] = layer.weights.shape;
  const { stride, padding: [top, left] } = layer.attributes;
  const data = new Float32Array(oh * ow * channels);
  const acc = new Float64Array(channels);
  for (let oy = 0; oy < oh; oy++) {
    for (let ox = 0; ox < ow; ox++) {
      acc.set(layer.bias.data);
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx++) {
          const y = oy * stride[0] + ky - top;
          const xx = ox * stride[1] + kx - left;
          if (y < 0 || y >= h || xx < 0 || xx >= w) continue;
          accumulate(acc, (y * w + xx) * ci, ky * kw + kx, kh * kw);
        }
      }
      for (let c = 0; c < channels; c++) data[(oy * ow + ox) * channels + c] = Math.min(6, Math.max(0, acc[c]));
    }
  }
  return { shape, data };
}
