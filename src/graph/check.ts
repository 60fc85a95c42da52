import { checkObject, checkString, isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import { checkAttributes } from './attributes';
import { elementCount, type AnyNode, type Graph, type Quantization, type Tensor } from './graph';

// Checks the types of all fields of a graph that a caller passes. `checkGraph` of the compiler
// checks what the fields mean.

const dtypes = ['float32', 'int8', 'uint8', 'int16', 'int32', 'int64', 'bool'];

function invalid(what: string, expected: string, found: unknown): KletError {
  return new KletError('INVALID_GRAPH', `${what} must be ${expected}, not ${show(found)}`);
}

function checkArray(value: unknown, what: string): asserts value is unknown[] {
  if (!Array.isArray(value)) throw invalid(what, 'an array', value);
  // loops over arrays skip holes
  for (let i = 0; i < value.length; i++) {
    if (!(i in value)) throw new KletError('INVALID_GRAPH', `${what} has no element ${i}`);
  }
}

/**
 * Checks that a shape is an array of numbers; `checkGraph` of the compiler checks that they are
 * sizes.
 */
export function checkShape(value: unknown, what: string): asserts value is number[] {
  if (!isArrayOf(value, (size) => typeof size === 'number')) {
    throw invalid(`the shape of ${what}`, 'an array of numbers', value);
  }
}

/** @throws KletError `INVALID_GRAPH` or `BAD_ARGUMENT` if a value is not a quantization */
export function checkQuantization(value: unknown, what: string): asserts value is Quantization {
  checkObject(value, `the quantization of ${what}`);
  for (const name of ['scale', 'zeroPoint']) {
    const numbers = value[name];
    checkArray(numbers, `the ${name} of ${what}`);
    const wrong = numbers.findIndex((x) => typeof x !== 'number' || !Number.isFinite(x));
    if (wrong >= 0) throw invalid(`${name}[${wrong}] of ${what}`, 'a finite number', numbers[wrong]);
  }
  if (!(Number.isInteger(value.axis) && (value.axis as number) >= 0)) {
    throw invalid(`the axis of the quantization of ${what}`, 'the number of a dimension (0 for one scale)', value.axis);
  }
}

/** @throws KletError `INVALID_GRAPH` or `BAD_ARGUMENT` if a value is not the data of a constant */
export function checkData(value: unknown, what: string): void {
  const known = [Float32Array, Int8Array, Uint8Array, Int16Array, Int32Array, Float64Array].some((type) =>
    value instanceof type
  );
  if (!known) {
    throw invalid(what, 'a Float32Array, Int8Array, Uint8Array, Int16Array, Int32Array or Float64Array', value);
  }
}

/** @throws KletError `INVALID_GRAPH` or `BAD_ARGUMENT` if a value is not an element type */
export function checkDtype(value: unknown, what: string): void {
  if (!dtypes.includes(value as string)) throw invalid(what, `one of ${dtypes.join(', ')}`, value);
}

/** @throws KletError `INVALID_GRAPH` or `BAD_ARGUMENT` if a value is not a tensor */
export function checkTensor(value: unknown, what: string): asserts value is Tensor {
  checkObject(value, what);
  checkString(value.name, `the name of ${what}`);
  const named = `tensor "${value.name as string}"`;
  checkShape(value.shape, named);
  checkDtype(value.dtype, `the dtype of ${named}`);
  if (value.quantization !== undefined) checkQuantization(value.quantization, named);
  if (value.data === undefined) return;
  checkData(value.data, `the data of ${named}`);
  const { length } = value.data as Int8Array;
  const count = elementCount(value.shape);
  if (length !== count) {
    throw new KletError(
      'INVALID_GRAPH',
      `constant "${value.name as string}" has ${length} elements for the shape [${value.shape.join(', ')}]`,
    );
  }
}

/**
 * Checks the types of all fields of a graph, except the attributes of its nodes.
 *
 * @throws KletError `INVALID_GRAPH`, or `BAD_ARGUMENT` if the value is not an object
 */
export function checkForm(graph: unknown): asserts graph is Graph {
  checkObject(graph, 'the graph');
  checkString(graph.name, 'the name of the graph');
  for (const side of ['inputs', 'outputs'] as const) {
    const tensors = graph[side];
    checkArray(tensors, `the ${side} of the graph`);
    tensors.forEach((tensor, i) => checkTensor(tensor, `${side}[${i}] of the graph`));
  }
  checkArray(graph.nodes, 'the nodes of the graph');
  graph.nodes.forEach(checkGraphNode);
  if (graph.states !== undefined) {
    checkArray(graph.states, 'the states of the graph');
    graph.states.forEach((state: unknown, i) => {
      const what = `states[${i}] of the graph`;
      checkObject(state, what);
      checkTensor(state.value, `the value of ${what}`);
      checkTensor(state.next, `the next of ${what}`);
      checkData(state.initial, `the initial of ${what}`);
    });
  }
  if (graph.carries !== undefined && typeof graph.carries !== 'boolean') {
    throw invalid('carries of the graph', 'true or false', graph.carries);
  }
  if (graph.reference !== undefined) checkObject(graph.reference, 'the reference of the graph');
}

function checkGraphNode(node: unknown, index: number): void {
  const what = `nodes[${index}] of the graph`;
  checkObject(node, what);
  checkString(node.op, `the op of ${what}`);
  checkString(node.name, `the name of ${what}`);
  const { op, name } = node as unknown as AnyNode;
  checkNode(op, name, node.inputs, node.attributes);
  checkArray(node.outputs, `the outputs of ${op} "${name}"`);
  node.outputs.forEach((tensor, i) => checkTensor(tensor, `output ${i} of ${op} "${name}"`));
}

/**
 * @throws KletError `INVALID_GRAPH` or `BAD_ARGUMENT` if a node's inputs are not tensors, or it has
 *   no attributes
 */
export function checkNode(op: string, name: string, inputs: unknown, attributes: unknown): void {
  checkArray(inputs, `the inputs of ${op} "${name}"`);
  inputs.forEach((tensor, i) => {
    const isAbsent = tensor === null || tensor === undefined;
    if (!isAbsent) checkTensor(tensor, `input ${i} of ${op} "${name}"`);
  });
  const named = `the attributes of ${op} "${name}"`;
  checkObject(attributes, named);
  checkAttributes(op, name, attributes);
}

/**
 * The error for a node whose operator failed because of its attributes; errors of the operator stay
 * as they are.
 */
export function malformed({ op, name, attributes }: AnyNode, cause: unknown): KletError {
  if (cause instanceof KletError) return cause;
  const found = Object.keys(attributes).join(', ') || 'no attributes';
  return new KletError(
    'INVALID_GRAPH',
    `${op} "${name}" has ${found}; compare with Attributes['${op}'] of kinglet/compiler: something is missing or wrong`,
    { cause },
  );
}
