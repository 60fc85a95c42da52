import { poolSuite } from './pool';

poolSuite('maxPool2d');
