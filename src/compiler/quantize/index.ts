// Post-training quantization.
export { quantize, type QuantizeOptions } from './quantize';
export type { ActivationBits } from './activationBits';
export type { CalibrationMethod } from './calibration';
export type { WeightBits } from './weights';
