import type { Mapping, Mappings } from '../operator';
import { control } from './control';
import { convolution } from './convolution';
import { elementwise } from './elementwise';
import { indexing } from './indexing';
import { layout } from './layout';
import { matrix } from './matrix';
import { normalization } from './normalization';
import { pooling } from './pooling';
import { reduction } from './reduction';

/** How operators of ONNX's own domain become nodes, by name. */
export const mappings: Mappings = {
  ...control,
  ...convolution,
  ...elementwise,
  ...indexing,
  ...layout,
  ...matrix,
  ...normalization,
  ...pooling,
  ...reduction,
};

/** The mapping of an operator, or undefined if kinglet lacks it. */
export function mappingOf(domain: string, kind: string): Mapping | undefined {
  const table = domain === '' ? mappings : undefined;
  return table && Object.hasOwn(table, kind) ? table[kind] : undefined;
}
