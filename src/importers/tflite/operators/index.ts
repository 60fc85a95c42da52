import { DETECTION_POSTPROCESS } from '../detectionOptions';
import type { Mapping, Mappings } from '../operator';
import { cast, conversion } from './conversion';
import { convolution, convolution2DTransposeBias, maxPoolingWithArgmax2D } from './convolution';
import { detectionPostprocess } from './detection';
import { elementwise } from './elementwise';
import { indexing, maxUnpooling2D } from './indexing';
import { layout } from './layout';
import { lists, loops } from './loops';
import { matrix } from './matrix';
import { normalization } from './normalization';
import { reduction } from './reduction';
import { recurrent } from './recurrent';
import { slicing } from './slicing';
import { spectrum } from './spectrum';
import { variables } from './variables';
import { volumes } from './volumes';

/** The mapping of each built-in operator to nodes of the IR. */
export const mappings: Mappings = {
  ...convolution,
  ...matrix,
  ...elementwise,
  ...reduction,
  ...normalization,
  ...layout,
  ...indexing,
  ...slicing,
  ...spectrum,
  ...conversion,
  ...recurrent,
  ...loops,
  ...variables,
  ...volumes,
};

/** The mappings of custom operators, by name. */
export const customMappings: ReadonlyMap<string, Mapping<'CUSTOM'>> = new Map([['Convolution2DTransposeBias',
  convolution2DTransposeBias], [DETECTION_POSTPROCESS, detectionPostprocess], ['FlexCast', cast], ['MaxUnpooling2D',
  maxUnpooling2D], ['MaxPoolingWithArgmax2D', maxPoolingWithArgmax2D], ...lists]);
