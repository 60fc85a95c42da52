export { distillation } from './distillation.mjs';
export { fakeQuant, PrunedWeights, Range, roundWeights } from './fakeQuant.mjs';
export { maskOf, sparsityAt } from './masks.mjs';
export { Pruning } from './pruning.mjs';
