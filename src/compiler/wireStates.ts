import { checkObject, checkOptions, show, type Options } from '../arguments';
import { KletError } from '../errors';
import { checkData } from '../graph/check';
import { cloneGraph } from '../graph/edit';
import { elementCount, type AnyNode, type ConstantData, type Graph, type Tensor,
  type TensorData } from '../graph/graph';
import { operatorOf } from '../ops/index';
import { cellStates, stateTensor, zeroState } from '../ops/shared/cellStates';
import { sameQuantization } from '../ops/shared/quantized';
import { shapeText, unsupported } from '../ops/shared/refuse';
import { checkGiven, checkGraph } from './check';

export interface WireOptions {
  /** Initial values by the name of the input (default: zeros). */
  initial?: Readonly<Record<string, TensorData>>;
}

const wireOptions = { initial: 'object' } satisfies Options<WireOptions>;

/**
 * Makes a state of the network of every input that takes the value of an output of the call before,
 * as in streaming networks of ONNX. The input and the output disappear, and `createState()` keeps
 * the value. Recurrent layers without an initial state still start from zeros at each call.
 *
 * @param outputs - Names of outputs, each with the name of the input that it becomes.
 * @returns a new graph; the given one is not changed
 * @throws KletError `BAD_ARGUMENT` for names that do not exist, `INVALID_GRAPH` for an input and an
 *   output of different shapes or types, `UNSUPPORTED_OP`
 * @example
 * ```js
 * const b = new GraphBuilder('sum');
 * const x = b.input('x', [1]);
 * const state = b.input('state', [1]);
 * const add = { kind: 'add', activation: 'none' };
 * const sum = b.node('binary', [x, state], add, { name: 'sum' });
 * const twice = b.node('binary', [sum, sum], add, { name: 'twice' });
 * const stream = loadSync(compile(wireStates(b.finish([twice, sum]), { sum: 'state' })));
 * console.log([1, 2, 3].map((v) => stream.predict([v])[0])); // [ 2, 6, 12 ]
 * ```
 */
export function wireStates(graph: Graph, outputs: Readonly<Record<string, string>>, options: WireOptions = {}): Graph {
  checkGiven(graph, 'wireStates()');
  checkObject(outputs, 'the outputs of wireStates()');
  checkOptions(options, wireOptions, 'wireStates()');
  const { initial = {} } = options;
  checkObject(initial, 'the initial values of wireStates()');
  const made = cloneGraph(graph);
  const states = [...made.states ?? []];
  const keepsOwn = made.carries === true || states.length > 0;
  const find = (side: 'inputs' | 'outputs', name: unknown): Tensor => {
    const found = made[side].find((tensor) => tensor.name === name);
    if (found) return found;
    const names = made[side].map((tensor) => tensor.name).join(', ') || 'none';
    throw new KletError(
      'BAD_ARGUMENT',
      `"${graph.name}" has no ${side.slice(0, -1)} ${show(name)} left; it has ${names}`,
    );
  };
  for (const [from, to] of Object.entries<unknown>(outputs)) {
    const next = find('outputs', from);
    const value = find('inputs', to);
    checkAlike(next, value);
    states.push({ value, next, initial: initialOf(value, initial[value.name]) });
    made.inputs = made.inputs.filter((tensor) => tensor !== value);
    made.outputs = made.outputs.filter((tensor) => tensor !== next);
  }
  const strange = Object.keys(initial).find((name) => !Object.values(outputs).includes(name));
  if (strange !== undefined) throw new KletError('BAD_ARGUMENT', `the initial value ${show(strange)} is of no state`);
  if (states.length > 0) made.states = states;
  if (!keepsOwn) { for (const node of made.nodes) startFromZeros(node); }
  checkGraph(made, 'wireStates()');
  return made;
}

function checkAlike(next: Tensor, value: Tensor): void {
  const text = ({ dtype, shape, quantization: q }: Tensor): string =>
    `${dtype} ${shapeText(shape)}${q ? ` with the scale ${q.scale[0]} and zero point ${q.zeroPoint[0]}` : ''}`;
  const isAlike = next.dtype === value.dtype && next.shape.join() === value.shape.join() &&
    sameQuantization(next, value);
  if (isAlike) return;
  throw new KletError(
    'INVALID_GRAPH',
    `the output "${next.name}" is ${text(next)} and cannot become the input "${value.name}", which is ${text(value)}`,
  );
}

/** The value of a state before the first call. */
function initialOf({ name, shape, dtype, quantization }: Tensor, given: unknown): ConstantData {
  const count = elementCount(shape);
  const arrays = {
    float32: Float32Array,
    int8: Int8Array,
    int16: Int16Array,
    uint8: Uint8Array,
    bool: Uint8Array,
    int32: Int32Array,
    int64: Int32Array,
  };
  if (given === undefined) return new arrays[dtype](count).fill(quantization?.zeroPoint[0] ?? 0);
  checkData(given, `the initial value of "${name}"`);
  if (given instanceof arrays[dtype] && given.length === count) return given;
  throw new KletError(
    'BAD_ARGUMENT',
    `the initial value of "${name}" must be a ${arrays[dtype].name} of ${count} elements`,
  );
}

/** Gives a layer that would keep its own state an initial state of zeros. */
function startFromZeros(node: AnyNode): void {
  const states = cellStates(node);
  if (states.length === 0 && operatorOf(node.op).isStateful) {
    throw unsupported(node, 'it would keep its own state beside the states of the network');
  }
  for (const state of states) {
    while (node.inputs.length <= state.input) node.inputs.push(null);
    const zeros = stateTensor(node, state);
    node.inputs[state.input] ??= { ...zeros, name: `${zeros.name} zeros`, data: zeroState(state) };
  }
}
