import type { Mapping, Mappings } from '../operator';
import { attentions } from './attention';
import { constants } from './constants';
import { control } from './control';
import { convolution } from './convolution';
import { elementwise } from './elementwise';
import { indexing } from './indexing';
import { layout } from './layout';
import { matrix } from './matrix';
import { microsoft } from './microsoft';
import { normalization } from './normalization';
import { padding } from './pad';
import { pooling } from './pooling';
import { quantized } from './quantized';
import { recurrence } from './recurrent';
import { reduction } from './reduction';
import { resizing } from './resize';
import { sampling } from './sampling';
import { spectrum } from './spectrum';

/** How operators of ONNX's own domain become nodes, by name. */
export const mappings: Mappings = {
  ...attentions,
  ...constants,
  ...control,
  ...convolution,
  ...elementwise,
  ...indexing,
  ...layout,
  ...matrix,
  ...normalization,
  ...padding,
  ...pooling,
  ...quantized,
  ...recurrence,
  ...reduction,
  ...resizing,
  ...sampling,
  ...spectrum,
};

/** The mapping of an operator, or undefined if kinglet lacks it. */
export function mappingOf(domain: string, kind: string): Mapping | undefined {
  const table = { '': mappings, 'com.microsoft': microsoft }[domain];
  return table && Object.hasOwn(table, kind) ? table[kind] : undefined;
}
