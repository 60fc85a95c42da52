import type { Mapping } from '../layer';
import type { LayerSpec } from '../model';
import { elementwiseOperations } from './elementwiseOperations';
import { movements } from './movements';

/** Functions of TensorFlow and of keras.ops that networks call between layers, by one name each. */
export const operations: Record<string, Mapping> = { ...elementwiseOperations, ...movements };

/** Names of TensorFlow's functions, without their modules, for those of keras.ops. */
const aliases: Record<string, string> = {
  truediv: 'true_divide',
  divide: 'true_divide',
  realdiv: 'true_divide',
  sub: 'subtract',
  mul: 'multiply',
  addv2: 'add',
  add_v2: 'add',
  neg: 'negative',
  floordiv: 'floor_divide',
  mod: 'mod',
  floormod: 'mod',
  pow: 'power',
  abs: 'absolute',
  reduce_mean: 'mean',
  reduce_sum: 'sum',
  reduce_max: 'max',
  reduce_min: 'min',
  reduce_prod: 'prod',
  amax: 'max',
  amin: 'min',
  concat: 'concatenate',
  bias_add: 'add',
  eq: 'equal',
  ne: 'not_equal',
  gt: 'greater',
  ge: 'greater_equal',
  lt: 'less',
  le: 'less_equal',
  matmul: 'matmul',
  batch_matmul: 'matmul',
  convert_to_tensor: 'identity',
  stop_gradient: 'identity',
  strided_slice: 'get_item',
  getitem: 'get_item',
  where_v2: 'where',
  log_softmax_v2: 'log_softmax',
  softmax_v2: 'softmax',
  clip_by_value: 'clip',
  swish: 'silu',
  split_v: 'split',
  invert: 'logical_not',
  and_: 'logical_and',
  or_: 'logical_or',
  resize_images_v2: 'resize',
};

/** `math.reduce_mean`, `Mean` and `__operators__.getitem` in one form: `mean`, `get_item`. */
function canonical(name: string): string {
  const last = name.split('.').at(-1);
  const snake = last.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z])([A-Z][a-z])/g, '$1_$2').toLowerCase();
  const plain = snake.replace(/^_+|_+$/g, '');
  return aliases[plain] ?? plain;
}

/** What emits a function that a network calls between its layers, if a layer is such a call. */
export function operationMapping({ className, config, module = '' }: LayerSpec): Mapping | undefined {
  const isFunction = /^(TFOpLambda|SlicingOpLambda|ClassMethod)$/.test(className);
  const isOperation = /^keras(\.src)?\.ops\b/.test(module);
  if (!isFunction && !isOperation) return undefined;
  const called = isFunction ? config.function : className;
  const name = typeof called === 'string' ? canonical(called) : '';
  return Object.hasOwn(operations, name) ? operations[name] : undefined;
}

/** The name of the function that a layer calls, for messages. */
export function operationName({ className, config }: LayerSpec): string {
  const called = config.function;
  return /^(TFOpLambda|SlicingOpLambda|ClassMethod)$/.test(className) && typeof called === 'string'
    ? `${className} ${called}`
    : className;
}
