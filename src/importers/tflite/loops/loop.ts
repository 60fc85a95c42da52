import { UnsupportedForm, UnsupportedTensor } from '../../shared/unsupported';
import type { Constant } from '../../shared/constants';
import type { TfliteReader } from '../reader';
import { optionsOf } from '../schema';
import type { FileOperator } from '../tensorTable';
import { Body, kindOf, Mismatch, type Position, type Scope } from './body';
import { matchCell, type Cell } from './cells';
import { checkReserved, listOf } from './lists';

/** A loop over the time steps of a sequence, as the recurrent layer that it computes. */
export interface Loop {
  cell: Cell;
  /** The operand that is the sequence [T][B][I]. */
  sequence: number;
  /**
   * The operands that are the initial states, the hidden one first; none if the layer starts from
   * zeros.
   */
  starts: number[];
  /** The outputs that the layer gives: the hidden states of all time steps, or of the last one. */
  results: Map<number, 'all' | 'last'>;
}

/** The subgraphs of a WHILE. */
interface Parts {
  main: Scope;
  condition: Scope;
  body: Scope;
}

/**
 * The recurrent layer that a WHILE computes.
 *
 * @throws UnsupportedForm if it is anything else
 */
export function recognizeLoop(
  { source }: FileOperator,
  { main, condition, body: scope }: Parts,
  reader: TfliteReader,
): Loop {
  const initial = (slot: number): Constant | undefined =>
    main.tensors.constant(source.inputs[slot] ?? -1) as Constant | undefined;
  const isKept = (slot: number): boolean => scope.outputs[slot] === scope.inputs[slot];
  const outer = (slot: number): Constant | undefined => (isKept(slot) ? initial(slot) : undefined);
  const body = new Body(scope, reader, outer);
  const slots = scope.inputs.map((_, slot) => slot);
  if (scope.outputs.length !== slots.length || source.inputs.length !== slots.length) {
    throw new Mismatch('a body of another number of tensors');
  }
  checkKinds(scope);
  const counters = slots.filter((slot) => !isKept(slot) && isCounter(body, slot));
  const steps = tripCount(new Body(condition, reader, outer), counters);
  for (const slot of counters) {
    const start = initial(slot);
    if (start?.dtype !== 'int32' || start.data.length !== 1 || start.data[0] !== 0) {
      throw new Mismatch('a counter that does not start at 0');
    }
  }
  const isStep = (position: Position | undefined, offset = 0): boolean =>
    position?.counter !== undefined && counters.includes(position.counter) && position.offset === offset;
  const { sequence, x } = findInput(body, isStep);
  const [length, batch] = main.tensors.shape(sequenceIn(main, source.inputs[sequence] ?? -1));
  if (length !== steps) throw new Mismatch(`${steps} steps over a sequence of ${length ?? 'unknown length'}`);
  const lists = new Map(slots.flatMap((slot) => {
    const list = isKept(slot) || counters.includes(slot) ? undefined : listOf(body, slot, isStep);
    return list ? [[slot, list] as const] : [];
  }));
  const states = slots.filter((slot) => !isKept(slot) && !counters.includes(slot) && !lists.has(slot));
  const ports = states.map((slot) => ({ before: scope.inputs[slot]!, after: scope.outputs[slot]! }));
  const cell = matchCell(body, { x, states: ports }, main.tensors.name(source.outputs[0] ?? -1));
  for (const slot of states) checkStart(main, source.inputs[slot] ?? -1, [batch ?? 0, cell.u.shape[1]!]);
  const isZero = states.every((slot) => initial(slot)?.data.every((value) => value === 0));
  const ordered = [states[cell.hidden]!, ...states.filter((_, i) => i !== cell.hidden)];
  const results: Loop['results'] = new Map([[states[cell.hidden]!, 'last']]);
  for (const [slot, { value, isLast }] of lists) {
    if (value !== ports[cell.hidden]!.after) throw body.mismatch(value, 'its hidden state as output');
    checkReserved(main, source.inputs[slot] ?? -1, isLast ? 1 : steps);
    results.set(slot, isLast ? 'last' : 'all');
  }
  return { cell, sequence, starts: isZero ? [] : ordered, results };
}

/** The tensor that a list of time steps was made from. */
export function sequenceIn({ operators, tensors }: Scope, index: number): number {
  const producer = operators[tensors.producers.get(index) ?? -1];
  return producer && kindOf(producer) === 'TensorListFromTensor' ? producer.source.inputs[0] ?? -1 : index;
}

/** Checks the initial value of a state. */
function checkStart({ tensors }: Scope, index: number, shape: number[]): void {
  const start = tensors.constant(index) ?? { shape: tensors.shape(index), dtype: tensors.dtype(index) };
  if (start.shape.join() !== shape.join() || start.dtype !== 'float32') {
    throw new Mismatch(`a state of ${start.dtype} [${start.shape.join(', ')}], not float32 [${shape.join(', ')}]`);
  }
}

/** The operators that the body of a recurrent layer may have. */
const kinds = new Set(['ADD', 'SUB', 'MUL', 'FULLY_CONNECTED', 'LOGISTIC', 'TANH', 'RELU', 'RELU6', 'RELU_N1_TO_1',
  'RELU_0_TO_1', 'SPLIT', 'SPLIT_V', 'SLICE', 'STRIDED_SLICE', 'GATHER', 'SHAPE', 'FILL', 'DEQUANTIZE', 'RESHAPE',
  'EXPAND_DIMS', 'SQUEEZE', 'PACK', 'CONCATENATION', 'CAST', 'TensorListGetItem', 'TensorListSetItem']);

/** Names the first operator of a body that no recurrent layer has. */
function checkKinds({ operators, outputs, tensors }: Scope): void {
  const isUsed = new Set(outputs);
  let strange: FileOperator | undefined;
  for (const operator of operators.toReversed()) {
    if (!operator.source.outputs.some((output) => isUsed.has(output))) continue;
    for (const input of operator.source.inputs) isUsed.add(input);
    if (!kinds.has(kindOf(operator))) strange = operator;
  }
  if (!strange) return;
  const kind = kindOf(strange);
  const mask = kind.startsWith('SELECT') ? ', a mask' : '';
  throw new Mismatch(`${kind} "${tensors.name(strange.source.outputs[0] ?? -1)}" in its body${mask}`);
}

function isCounter(body: Body, slot: number): boolean {
  const { inputs, outputs } = body.scope;
  const position = body.position(outputs[slot] ?? -1);
  return position?.counter === slot && position.offset === 1 && inputs[slot] !== outputs[slot] &&
    body.shape(inputs[slot]!).length === 0;
}

/** The number of iterations: the smallest bound that a counter must stay below. */
function tripCount(condition: Body, counters: number[]): number {
  const bounds = (index: number): number[] => {
    const and = condition.find(index, 'LOGICAL_AND');
    if (and) return and.source.inputs.flatMap(bounds);
    const [counter = -1, bound = -1] = condition.inputsOf(index, 'LESS');
    const slot = condition.scope.inputs.indexOf(counter);
    const limit = condition.integers(bound);
    if (!counters.includes(slot) || limit?.length !== 1) throw new Mismatch('a number of steps that is not constant');
    return limit;
  };
  const steps = Math.min(...bounds(condition.scope.outputs[0] ?? -1));
  if (!(steps >= 1)) throw new Mismatch(`${steps} steps`);
  return steps;
}

/** The sequence among the inputs of a body, and the tensor that is its element of the time step. */
function findInput(body: Body, isStep: (position: Position | undefined) => boolean): { sequence: number; x: number } {
  for (const operator of body.scope.operators) {
    const kind = kindOf(operator);
    if (kind !== 'GATHER' && kind !== 'TensorListGetItem') continue;
    const [list = -1, index = -1] = operator.source.inputs;
    const sequence = body.scope.inputs.indexOf(list);
    if (sequence < 0 || body.scope.outputs[sequence] !== list || !isStep(body.position(index))) continue;
    if (kind === 'GATHER') {
      const { axis, batchDims } = body.options('GATHER', operator);
      if (axis !== 0 || batchDims !== 0 || body.shape(index).length !== 0) continue;
    }
    return { sequence, x: operator.source.outputs[0] ?? -1 };
  }
  throw new Mismatch('a body that does not read one time step of a sequence');
}

/** The WHILE loops of a network. Their lists become tensors. */
export class Loops {
  private readonly found = new Map<number, Loop | UnsupportedForm | UnsupportedTensor>();

  /** @param scopeOf returns the subgraph that a WHILE names, for inputs of these shapes */
  constructor(
    private readonly main: Scope,
    private readonly reader: TfliteReader,
    scopeOf: (index: number, shapes: readonly (readonly number[])[]) => Scope,
  ) {
    const { operators, tensors } = main;
    operators.forEach((operator, position) => {
      const { source } = operator;
      const [output = -1] = source.outputs;
      if (kindOf(operator) === 'TensorListFromTensor') this.defineList(output, tensors.shape(source.inputs[0] ?? -1));
      if (operator.kind !== 'WHILE') return;
      const [, tag] = optionsOf('WHILE');
      const options = reader.table('WhileOptions', source.builtinOptionsType === tag ? source.builtinOptions : 0);
      const shapes = source.inputs.map((input) => tensors.shape(sequenceIn(main, input)));
      const parts = {
        main,
        condition: scopeOf(options.condSubgraphIndex, shapes),
        body: scopeOf(options.bodySubgraphIndex, shapes),
      };
      this.found.set(position, this.recognize(operator, parts));
    });
  }

  /** The layer that the WHILE at `position` computes. */
  at(position: number): Loop {
    const loop = this.found.get(position)!;
    if (loop instanceof Error) throw loop;
    return loop;
  }

  private recognize(operator: FileOperator, parts: Parts): Loop | UnsupportedForm | UnsupportedTensor {
    const { source } = operator;
    try {
      const loop = recognizeLoop(operator, parts, this.reader);
      const [length = 0, batch = 0] = this.main.tensors
        .shape(sequenceIn(this.main, source.inputs[loop.sequence] ?? -1));
      for (const [slot, which] of loop.results) {
        this.defineList(source.outputs[slot] ?? -1, [which === 'all' ? length : 1, batch, loop.cell.u.shape[1]!]);
      }
      return loop;
    } catch (error) {
      if (!(error instanceof UnsupportedForm) && !(error instanceof UnsupportedTensor)) throw error;
      // the lists of a loop that is refused are not errors of their own
      for (const output of source.outputs) this.defineList(output, []);
      if (!(error instanceof Mismatch)) return error;
      return new UnsupportedForm(`${error.message}; export the layer with unroll=True`);
    }
  }

  private defineList(index: number, shape: readonly number[]): void {
    const { tensors } = this.main;
    if (tensors.isList(index)) {
      tensors.define(index, { name: tensors.name(index), shape: [...shape], dtype: 'float32' });
    }
  }
}
