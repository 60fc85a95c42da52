import { rowSuite } from './rows';

rowSuite('logSoftmax', [{}], { scale: 16 / 256, zero: 127 }, { relative: 2e-6, absolute: 1e-6 }, 3e38);
