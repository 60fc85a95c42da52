import type { Tensor } from '../../../graph/graph';
import type { UnaryKind } from '../../../graph/operators';
import type { NodeEmitter } from '../nodeEmitter';
import { isObject } from './config';
import type { KerasLayer } from './layer';
import { alongAxis } from './layers/layout';

type Activation = (emit: NodeEmitter, x: Tensor) => Tensor;

function unary(kind: UnaryKind, alpha?: number): Activation {
  return (emit, x) => emit.unary(kind, x, alpha);
}

/** Parameters of relu: the slope below the threshold, and the largest output. */
export interface ReluOptions {
  slope: number;
  maximum?: number;
  threshold: number;
}

/** x from the threshold on, bounded by the maximum; slope · (x − threshold) below. */
export function relu(emit: NodeEmitter, x: Tensor, { slope, maximum, threshold }: ReluOptions): Tensor {
  if (threshold === 0) {
    if (slope === 0 && maximum === 6) return emit.unary('relu6', x);
    if (slope === 0 && maximum === 1) return emit.unary('relu0To1', x);
    const positive = slope === 0 ? emit.unary('relu', x) : emit.unary('leakyRelu', x, slope);
    return maximum === undefined ? positive : emit.binary('minimum', positive, maximum);
  }
  const isAbove = emit.node('compare', [x, emit.number(threshold)], { kind: 'greaterEqual' }, { dtype: 'bool' });
  const above = maximum === undefined ? x : emit.binary('minimum', x, maximum);
  const below = emit.binary('mul', emit.binary('sub', x, threshold), slope);
  return emit.node('select', [above, below, isAbove], {});
}

/** The value where |x| > lambda, otherwise 0 */
function shrink(emit: NodeEmitter, x: Tensor, value: Tensor): Tensor {
  const isFar = emit.node('compare', [emit.unary('abs', x), emit.number(0.5)], { kind: 'greater' }, { dtype: 'bool' });
  return emit.node('select', [value, emit.binary('mul', x, 0), isFar], {});
}

const activations: Record<string, Activation> = {
  linear: (_, x) => x,
  relu: unary('relu'),
  relu6: unary('relu6'),
  leaky_relu: unary('leakyRelu', 0.2),
  elu: unary('elu', 1),
  selu: unary('selu'),
  celu: unary('celu', 1),
  gelu: unary('gelu'),
  sigmoid: unary('logistic'),
  tanh: unary('tanh'),
  silu: unary('swish'),
  mish: unary('mish'),
  softplus: unary('softplus'),
  softsign: unary('softsign'),
  exponential: unary('exp'),
  hard_silu: unary('hardSwish'),
  hard_tanh: unary('reluN1To1'),
  log_sigmoid: (emit, x) => emit.unary('neg', emit.unary('softplus', emit.unary('neg', x))),
  softmax: (emit, x) => emit.node('softmax', [x], { beta: 1 }),
  log_softmax: (emit, x) => emit.node('logSoftmax', [x], {}),
  tanh_shrink: (emit, x) => emit.binary('sub', x, emit.unary('tanh', x)),
  hard_shrink: (emit, x) => shrink(emit, x, x),
  // x moved toward 0 by 0.5
  soft_shrink: (emit, x) => {
    const bounded = emit.binary('maximum', emit.binary('minimum', x, 0.5), -0.5);
    return emit.binary('sub', x, bounded);
  },
  // (x + √(x² + 4)) / 2
  squareplus: (emit, x) => {
    const root = emit.unary('sqrt', emit.binary('add', emit.unary('square', x), 4));
    return emit.binary('mul', emit.binary('add', x, root), 0.5);
  },
  // 0 up to −1, x from 1 on, (x + 1)² / 4 between
  sparse_plus: (emit, x) => {
    const inside = emit.unary('square', emit.binary('mul', emit.binary('add', emit.unary('reluN1To1', x), 1), 0.5));
    return emit.binary('add', inside, emit.unary('relu', emit.binary('sub', x, 1)));
  },
  glu: (emit, x) => {
    const half = x.shape.at(-1) / 2;
    const [a, b] = emit.split(x, x.shape.length - 1, [half, half]) as [Tensor, Tensor];
    return emit.binary('mul', a, emit.unary('logistic', b));
  },
};

const aliases: Record<string, string> = {
  swish: 'silu',
  hard_swish: 'hard_silu',
  logsigmoid: 'log_sigmoid',
  logsoftmax: 'log_softmax',
  leakyrelu: 'leaky_relu',
  identity: 'linear',
  Swish: 'silu',
};

function canonicalName(name: string): string {
  return Object.hasOwn(aliases, name) ? aliases[name]! : name;
}

/** The name of an activation that a configuration gives as a string or an object. */
export function activationName(json: unknown): string | undefined {
  if (json === undefined || json === null) return 'linear';
  if (typeof json === 'string') return canonicalName(json);
  if (!isObject(json)) return undefined;
  // Keras 3 writes functions as objects: { class_name: 'function', config: 'relu' }
  const { class_name: className, config } = json;
  if (className === 'function') return typeof config === 'string' ? canonicalName(config) : undefined;
  return undefined;
}

/** Applies an activation by its name. */
export function applyActivation(layer: KerasLayer, name: string, x: Tensor): Tensor {
  const { emit } = layer;
  if (name === 'hard_sigmoid') return emit.unary('hardSigmoid', x, layer.network.version < 3 ? 0.2 : 1 / 6, 0.5);
  const activation = Object.hasOwn(activations, name) ? activations[name]! : undefined;
  layer.check(activation !== undefined, `the activation "${name}"`);
  return activation!(emit, x);
}

/** Applies the activation of a layer to its result. */
export function activate(layer: KerasLayer, x: Tensor, key = 'activation'): Tensor {
  const json = layer.config.raw(key);
  const name = activationName(json);
  if (name !== undefined) return applyActivation(layer, name, x);
  // an activation may be a layer itself
  layer.check(isObject(json) && isObject(json.config), 'an activation that is no function of Keras');
  return layer.run(json, { attributes: [key] }, [x])[0]!;
}

/** softmax over one axis, or over several as one */
export function softmax(layer: KerasLayer, x: Tensor, axes: readonly number[]): Tensor {
  const { emit } = layer;
  if (axes.length === 1) return alongAxis(emit, x, axes[0]!, (rows) => emit.node('softmax', [rows], { beta: 1 }));
  const kept = [...x.shape.keys()].filter((d) => !axes.includes(d));
  const perm = [...kept, ...axes];
  const moved = emit.transpose(x, perm);
  const flat = emit.reshape(moved, [...kept.map((d) => x.shape[d]!), axes.reduce((n, d) => n * x.shape[d]!, 1)]);
  const y = emit.reshape(emit.node('softmax', [flat], { beta: 1 }), moved.shape);
  return emit.transpose(y, perm.map((_, d) => perm.indexOf(d)));
}
