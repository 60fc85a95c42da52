// What the bench of quantization uses of kinglet.
export { compare, compile, importTflite, quantize, readKlet, type Graph,
  type QuantizeOptions } from '../../src/compiler/index';
export { loadSync } from '../../src/index';
