import { rowSuite } from './rows';

rowSuite('logSoftmax', {
  attributes: [{}],
  usual: { scale: 16 / 256, zeroPoint: 127 },
  tolerance: { relative: 2e-6, absolute: 1e-6 },
  largest: 3e38,
});
