import { rowSuite } from './rows';

rowSuite('softmax', [{ beta: 1 }, { beta: 0.5 }, { beta: 3 }], { scale: 1 / 256, zero: -128 }, {
  relative: 2e-6,
  absolute: 1e-9,
}, 3e38);
