import { lstmGraph, lstmSpecs } from './lstmGraph';
import { checkSequence, recurrentSuite } from './sequences';

recurrentSuite('lstm', 300, lstmSpecs, (spec) => checkSequence(lstmGraph(spec), spec.sequence));
