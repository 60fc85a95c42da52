import { rowSuite } from './rows';

rowSuite('l2Normalize', {
  attributes: [{ epsilon: 1e-6 }, { epsilon: 1e-12 }, { epsilon: 4 }],
  usual: { scale: 1 / 128, zeroPoint: 0 },
  tolerance: { relative: 2e-6, absolute: 0 },
  largest: 1e18,
});
