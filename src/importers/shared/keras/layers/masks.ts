import type { Tensor } from '../../../../graph/graph';
import { tensorsIn, type KerasLayer, type Mapping } from '../layer';

// Masks say which time steps of a sequence count. Recurrent layers skip the others.

/** Computes a mask, float32 [B][T] with 0 and 1, when a layer needs it. */
export type Mask = () => Tensor;

/** 1 where any feature of a time step differs from the mask value */
function stepsThatDiffer(layer: KerasLayer): Tensor {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const value = emit.number(config.number('mask_value', 0));
  const differs = emit.node('compare', [x, value], { kind: 'notEqual' }, { dtype: 'bool' });
  return emit.reduce('max', emit.cast(differs, 'float32'), [x.shape.length - 1], false);
}

/** Sets the time steps that do not count to 0 */
export const masking: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  // a tensor of its own, as the input itself has no mask
  if (config.number('mask_value', 0) === 0) return emit.node('reshape', [x], {}, { shape: x.shape });
  const steps = stepsThatDiffer(layer);
  return emit.binary('mul', x, emit.reshape(steps, [...steps.shape, 1]));
};

/** The mask that a layer begins, if any. */
export function begunMask(layer: KerasLayer): Mask | undefined {
  if (layer.kind === 'Masking') return () => stepsThatDiffer(layer);
  if (layer.kind !== 'Embedding' || !layer.config.boolean('mask_zero', false)) return undefined;
  return () => {
    const { emit } = layer;
    const indices = emit.cast(layer.input, 'int32');
    const zero = emit.constant(Int32Array.of(0), [], 'int32');
    return emit.cast(emit.node('compare', [indices, zero], { kind: 'notEqual' }, { dtype: 'bool' }), 'float32');
  };
}

/** Layers whose outputs have the mask of their inputs. */
const passing = new Set(['Masking', 'Activation', 'Dense', 'Dropout', 'SpatialDropout1D', 'AlphaDropout',
  'GaussianDropout', 'GaussianNoise', 'ActivityRegularization', 'Identity', 'BatchNormalization', 'LayerNormalization',
  'RMSNormalization', 'GroupNormalization', 'UnitNormalization', 'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'Softmax',
  'ThresholdedReLU', 'TimeDistributed', 'Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum', 'Concatenate',
  'MultiHeadAttention', 'Attention', 'AdditiveAttention', 'Rescaling']);
const recurrent = new Set(['LSTM', 'GRU', 'SimpleRNN', 'RNN', 'Bidirectional']);

/** Whether the outputs of a layer have the mask of its first input. */
export function passesMask({ kind, config }: KerasLayer): boolean {
  if (!recurrent.has(kind)) return passing.has(kind);
  const inner = config.raw('layer') as { config?: { return_sequences?: boolean } } | undefined;
  return inner ? inner.config?.return_sequences === true : config.boolean('return_sequences', false);
}

/** The mask that the outputs of a layer inherit. */
export function inheritedMask(layer: KerasLayer, masks: ReadonlyMap<Tensor, Mask>): Mask | undefined {
  if (!passesMask(layer)) return undefined;
  const found = tensorsIn(layer.args).map((tensor) => masks.get(tensor));
  const [first] = found;
  const isCommon = layer.kind === 'Concatenate' ||
    !/^(Add|Subtract|Multiply|Average|Maximum|Minimum)$/.test(layer.kind);
  // a sum has a mask if all its inputs do
  return isCommon || found.every((mask) => mask === first)
    ? (first ?? (isCommon ? found.find(Boolean) : undefined))
    : undefined;
}
