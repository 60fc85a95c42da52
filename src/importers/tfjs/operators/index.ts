import type { Mapping, Mappings } from '../operator';
import { control } from './control';
import { convolution } from './convolution';
import { creation } from './creation';
import { elementwise } from './elementwise';
import { indexing } from './indexing';
import { layout } from './layout';
import { matrix } from './matrix';
import { normalization } from './normalization';
import { pooling } from './pooling';
import { reduction } from './reduction';
import { resize } from './resize';
import { slicing } from './slicing';

/** How operators of TensorFlow become nodes, by name. */
export const mappings: Mappings = {
  ...control,
  ...convolution,
  ...creation,
  ...elementwise,
  ...indexing,
  ...layout,
  ...matrix,
  ...normalization,
  ...pooling,
  ...reduction,
  ...resize,
  ...slicing,
};

/** The mapping of an operator, or undefined if kinglet lacks it. */
export function mappingOf(kind: string): Mapping | undefined {
  return Object.hasOwn(mappings, kind) ? mappings[kind] : undefined;
}
