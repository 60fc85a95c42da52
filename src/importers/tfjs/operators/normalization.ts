import type { Tensor } from '../../../graph/graph';
import type { Mapping, Mappings } from '../operator';
import { perChannel } from './windows';

/** (x − mean) / √(variance + epsilon) · scale + offset, as x · factor + rest */
const batchNorm: Mapping = (operator) => {
  const { emit, attributes, network } = operator;
  operator.check(!attributes.bool('is_training'), 'statistics of the batch (is_training)');
  operator.check([1, 2, 3, 4].every((i) => !network.isRead(i)), 'statistics as outputs');
  const x = operator.input(0);
  const [scale, offset, mean, variance] = [1, 2, 3, 4].map((i) => operator.input(i)) as [Tensor, Tensor, Tensor,
    Tensor];
  const inverse = emit.unary('rsqrt', emit.binary('add', variance, attributes.float('epsilon', 0.001)));
  const factor = emit.binary('mul', scale, inverse);
  const rest = emit.binary('sub', offset, emit.binary('mul', mean, factor));
  const spread = (values: Tensor): Tensor => perChannel(operator, values, x.shape.length);
  return emit.binary('add', emit.binary('mul', x, spread(factor)), spread(rest));
};

/** x / (bias + alpha · Σ x²)^beta, where the sum is over 2 · radius + 1 channels around each. */
const localResponse: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  operator.check(x.shape.length === 4, `an input of ${x.shape.length} dimensions`);
  const radius = attributes.int('depth_radius', 5);
  const channels = x.shape[3]!;
  operator.check(channels <= 4096, `${channels} channels`);
  // the sum is a convolution whose weights are alpha for channels near each other
  const alpha = attributes.float('alpha', 1);
  const band = Float32Array.from(
    { length: channels ** 2 },
    (_, i) => Math.abs(Math.floor(i / channels) - (i % channels)) <= radius ? alpha : 0,
  );
  const weights = emit.constant(band, [channels, 1, 1, channels], 'float32');
  const bias = emit.constant(new Float32Array(channels).fill(attributes.float('bias', 1)), [channels], 'float32');
  const sums = emit.node('conv2d', [emit.unary('square', x), weights, bias], {
    stride: [1, 1],
    dilation: [1, 1],
    padding: [0, 0, 0, 0],
    groups: 1,
    activation: 'none',
  });
  const beta = attributes.float('beta', 0.5);
  return emit.binary('div', x, emit.node('arithmetic', [sums, emit.number(beta)], { kind: 'pow' }));
};

export const normalization: Mappings = {
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  LRN: localResponse,
  Softmax: ({ emit, inputs: [x] }) => emit.node('softmax', [x!], { beta: 1 }),
  LogSoftmax: ({ emit, inputs: [x] }) => emit.node('logSoftmax', [x!], {}),
};
