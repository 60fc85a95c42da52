import type { LayerSpec } from '../model';
import type { Mapping, Mappings } from '../layer';
import { attentions } from './attention';
import { convolution } from './convolution';
import { denses } from './dense';
import { masking } from './masks';
import { merges } from './merge';
import { normalizations } from './normalization';
import { operationMapping } from './operations';
import { pooling } from './pooling';
import { recurrents } from './recurrent';
import { shapes } from './shapes';

/** How layers become nodes, by the names of their classes today. */
export const mappings: Mappings = {
  ...attentions,
  ...convolution,
  ...denses,
  ...merges,
  ...normalizations,
  ...pooling,
  ...recurrents,
  ...shapes,
  Masking: masking,
};

/** Names of Keras 1 and of the time of TensorFlow 1. */
const aliases: Record<string, string> = {
  Convolution1D: 'Conv1D',
  Convolution2D: 'Conv2D',
  Convolution3D: 'Conv3D',
  SeparableConvolution2D: 'SeparableConv2D',
  Deconvolution2D: 'Conv2DTranspose',
  BatchNormalizationV1: 'BatchNormalization',
  BatchNormalizationV2: 'BatchNormalization',
  SyncBatchNormalization: 'BatchNormalization',
  LSTMV2: 'LSTM',
  GRUV2: 'GRU',
};

/** A layer under the name of its class today. */
export function currentSpec(spec: LayerSpec): LayerSpec {
  const className = Object.hasOwn(aliases, spec.className) ? aliases[spec.className]! : spec.className;
  return { ...spec, className };
}

/** What emits the nodes of a layer; undefined for a class without a counterpart. */
export function mappingOf(spec: LayerSpec): Mapping | undefined {
  const { className, module = '', registeredName } = spec;
  // classes of users and packages, some of which have names of Keras
  const isForeign = (module !== '' && !/^(tf_)?keras(\.|$)/.test(module)) || registeredName?.includes('>') === true;
  const operation = operationMapping(spec);
  if (operation) return operation;
  if (isForeign) return undefined;
  return Object.hasOwn(mappings, className) ? mappings[className] : undefined;
}
