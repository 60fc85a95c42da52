import { rowSuite } from './rows';

rowSuite('l2Normalize', [{ epsilon: 1e-6 }, { epsilon: 1e-12 }, { epsilon: 4 }], { scale: 1 / 128, zero: 0 }, {
  relative: 2e-6,
  absolute: 0,
}, 1e18);
