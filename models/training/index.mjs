export { Averages } from './average.mjs';
export { distillation } from './distillation.mjs';
export { attention, attentionLoss, hint, hintLoss, totalLoss } from './features.mjs';
export { masksOf, sparsityAt } from './masks.mjs';
export { Pruning } from './pruning.mjs';
export { QuantizedActivations, QuantizedWeights } from './quantized.mjs';
export { activationGradients, initialActivation, initialScales, largestWeight, roundActivations, roundWeights,
  weightGradients } from './scales.mjs';
