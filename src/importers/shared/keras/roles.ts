import type { Config } from './config';
import type { WeightRole } from './weights';

const kernelAndBias = (config: Config): WeightRole[] => [['kernel'], ...given(config, 'use_bias', true, 'bias')];

function given(config: Config, key: string, otherwise: boolean, ...role: string[]): WeightRole[] {
  return config.boolean(key, otherwise) ? [role] : [];
}

const cell = (
  config: Config,
): WeightRole[] => [['kernel'], ['recurrent_kernel'], ...given(config, 'use_bias', true, 'bias')];

const depthwise = (
  config: Config,
): WeightRole[] => [['depthwise_kernel', 'kernel'], ...given(config, 'use_bias', true, 'bias')];

const separable = (
  config: Config,
): WeightRole[] => [['depthwise_kernel'], ['pointwise_kernel'], ...given(config, 'use_bias', true, 'bias')];

const scaleAndCenter = (
  config: Config,
): WeightRole[] => [...given(config, 'scale', true, 'gamma'), ...given(config, 'center', true, 'beta')];

/** The weights of each class, in the order in which Keras lists them: trainable ones first. */
const roles: Record<string, (config: Config) => WeightRole[]> = {
  Dense: kernelAndBias,
  Conv1D: kernelAndBias,
  Conv2D: kernelAndBias,
  Conv3D: kernelAndBias,
  Conv1DTranspose: kernelAndBias,
  Conv2DTranspose: kernelAndBias,
  Conv3DTranspose: kernelAndBias,
  DepthwiseConv1D: depthwise,
  DepthwiseConv2D: depthwise,
  SeparableConv1D: separable,
  SeparableConv2D: separable,
  EinsumDense: (config) => [['kernel'], ...(config.has('bias_axes') ? [['bias']] : [])],
  BatchNormalization: (
    config,
  ) => [...scaleAndCenter(config), ['moving_mean', 'running_mean'], ['moving_variance', 'running_var', 'running_std']],
  LayerNormalization: (config) =>
    config.boolean('rms_scaling', false) ? given(config, 'scale', true, 'gamma') : scaleAndCenter(config),
  RMSNormalization: () => [['scale']],
  GroupNormalization: scaleAndCenter,
  Normalization: (config) => (config.has('mean') ? [] : [['mean'], ['variance'], ['count']]),
  PReLU: () => [['alpha', 'alphas']],
  Embedding: () => [['embeddings']],
  LSTMCell: cell,
  GRUCell: cell,
  SimpleRNNCell: cell,
  Attention: (
    config,
  ) => [...given(config, 'use_scale', false, 'scale'),
    ...(config.string('score_mode', 'dot') === 'concat' ? [['concat_score_weight']] : [])],
  AdditiveAttention: (config) => given(config, 'use_scale', true, 'scale'),
};

/** The weights of a layer itself, without those of layers in it. */
export function weightRoles(className: string, config: Config): WeightRole[] {
  return Object.hasOwn(roles, className) ? roles[className]!(config) : [];
}
