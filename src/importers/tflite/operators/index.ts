import type { Mapping, Mappings } from '../operatorImport';
import { conversion } from './conversion';
import { convolution, convolution2DTransposeBias } from './convolution';
import { elementwise } from './elementwise';
import { layout } from './layout';
import { matrix } from './matrix';
import { reduction } from './reduction';
import { recurrent } from './recurrent';
import { slicing } from './slicing';

/** The mapping of each built-in operator to nodes of the IR. */
export const mappings: Mappings = {
  ...convolution,
  ...matrix,
  ...elementwise,
  ...reduction,
  ...layout,
  ...slicing,
  ...conversion,
  ...recurrent,
};

/** The mappings of custom operators, by name. */
export const customMappings: ReadonlyMap<string, Mapping<'CUSTOM'>> = new Map([['Convolution2DTransposeBias',
  convolution2DTransposeBias]]);
