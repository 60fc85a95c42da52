import type { ElementType, Maker } from './maker';

// Comparisons, logic, selections and the arithmetic that TensorFlow Lite has in float32 only. Truth
// values are cast to floats, in which they are compared.

type Recipe = (make: Maker) => void;

/** Two operands of the same type and quantization, which broadcast. */
function operands(make: Maker): { shape: number[]; a: string; b: string } {
  const { random } = make;
  const c = random.int(1, 20);
  const shape = [1, random.int(1, 6), random.int(1, 6), c];
  const a = make.input(shape, -2, 2);
  return { shape, a, b: make.inputLike(a, random.pick([shape, [1, 1, 1, c], [1]])) };
}

const compare = (kind: string): Recipe => (make) => {
  const { shape, a, b } = operands(make);
  const truths = make.truths(shape);
  make.emit(kind, make.random.pick([[a, b], [b, a]]), [truths]);
  make.emitTruths(truths);
};

const logic = (kind: string): Recipe => (make) => {
  const { shape, a, b } = operands(make);
  const [less, greater, both] = [make.truths(shape), make.truths(shape), make.truths(shape)];
  make.emit('LESS', [a, b], [less]);
  make.emit('GREATER_EQUAL', [a, make.constant([1], -1, 1)], [greater]);
  make.emit(kind, kind === 'LOGICAL_NOT' ? [less] : [less, greater], [both]);
  make.emitTruths(both);
};

const select = (kind: string): Recipe => (make) => {
  const { shape, a, b } = operands(make);
  const condition = make.truths(shape);
  make.emit('GREATER', [a, b], [condition]);
  const other = make.inputLike(a, kind === 'SELECT' ? shape : make.random.pick([shape, [1]]));
  make.emit(kind, [condition, a, other], [make.outputLike(a, shape)]);
};

const arithmetic = (kind: string, low: number): Recipe => (make) => {
  const { random } = make;
  const c = random.int(1, 20);
  const shape = [1, random.int(1, 8), c];
  const a = make.input(shape, low, 4);
  const b = make.constant(random.pick([shape, [1, 1, c], [1]]), 0.5, 3);
  make.emit(kind, [a, b], [make.output(shape, -9, 9)]);
};

export const predicates: Record<string, Recipe> = {
  EQUAL: compare('EQUAL'),
  NOT_EQUAL: compare('NOT_EQUAL'),
  LESS: compare('LESS'),
  LESS_EQUAL: compare('LESS_EQUAL'),
  GREATER: compare('GREATER'),
  GREATER_EQUAL: compare('GREATER_EQUAL'),
  LOGICAL_AND: logic('LOGICAL_AND'),
  LOGICAL_OR: logic('LOGICAL_OR'),
  LOGICAL_NOT: logic('LOGICAL_NOT'),
  SELECT: select('SELECT'),
  SELECT_V2: select('SELECT_V2'),
  FLOOR_DIV: arithmetic('FLOOR_DIV', -4),
  FLOOR_MOD: arithmetic('FLOOR_MOD', -4),
  POW: arithmetic('POW', 0.1),
};

/** Element types, where not all of them are possible. */
export const predicateTypes: Record<string, readonly ElementType[]> = {
  FLOOR_DIV: ['float32'],
  FLOOR_MOD: ['float32'],
  POW: ['float32'],
};
