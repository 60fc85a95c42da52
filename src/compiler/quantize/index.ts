// Post-training quantization.
export { quantize } from './quantize';
export type { QuantizeOptions } from './options';
export type { ActivationBits } from './activationBits';
export type { CalibrationMethod } from './calibration';
export type { WeightBits } from './weights';
export type { AutoKept, AutoKeptLayer } from './keepAuto';
export { quantizationReport, type FloatLayer, type LayerError, type OutputError, type QuantizationAdvice,
  type QuantizationReport, type QuantizationReportOptions } from './report';
export type { TensorError } from './tensorErrors';
