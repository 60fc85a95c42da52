export { Averages } from './average.mjs';
export { distillation } from './distillation.mjs';
export { fakeQuant, PrunedWeights, Range, roundWeights } from './fakeQuant.mjs';
export { masksOf, sparsityAt } from './masks.mjs';
export { Pruning } from './pruning.mjs';
