import { rowSuite } from './rows';

rowSuite('softmax', {
  attributes: [{ beta: 1 }, { beta: 0.5 }, { beta: 3 }],
  usual: { scale: 1 / 256, zeroPoint: -128 },
  tolerance: { relative: 2e-6, absolute: 1e-9 },
  largest: 3e38,
});
