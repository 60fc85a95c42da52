import { poolSuite } from './pool';

poolSuite('averagePool2d');
