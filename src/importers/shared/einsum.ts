import { elementCount, type Tensor } from '../../graph/graph';
import type { FileOperator } from './fileOperator';
import type { NodeEmitter } from './nodeEmitter';
import { product } from './products';

/** A tensor whose dimensions have names. */
interface Labeled {
  tensor: Tensor;
  labels: string[];
}

/** The names of dimensions in a term. An ellipsis stands for `…0`, `…1`, … counted from its end. */
function labelsOf(operator: FileOperator, term: string, rank: number): string[] {
  const [before = '', after] = term.split('...') as [string, string?];
  if (after === undefined) {
    operator.check(before.length === rank, `the term "${term}" for ${rank} dimensions`);
    return [...before];
  }
  const count = rank - before.length - after.length;
  operator.check(count >= 0, `the term "${term}" for ${rank} dimensions`);
  return [...before, ...Array.from({ length: count }, (_, i) => `…${count - 1 - i}`), ...after];
}

/** Takes the diagonal of dimensions with one name. */
function diagonal(emit: NodeEmitter, { tensor, labels }: Labeled): Labeled {
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice === undefined) return { tensor, labels };
  const first = labels.indexOf(twice);
  const second = labels.indexOf(twice, first + 1);
  const size = tensor.shape[first]!;
  // [size][size] flattened has the diagonal at every (size + 1)-th place
  const others = labels.map((_, i) => i).filter((i) => i !== first && i !== second);
  const front = emit.transpose(tensor, [first, second, ...others]);
  const flat = emit.reshape(front, [size * size, ...others.map((i) => tensor.shape[i]!)]);
  const places = emit.integers(Array.from({ length: size }, (_, i) => i * (size + 1)));
  const taken = emit.node('gather', [flat, places], { axis: 0, batchDims: 0 });
  return diagonal(emit, { tensor: taken, labels: [twice, ...others.map((i) => labels[i]!)] });
}

/** Sums over the dimensions whose names nothing else needs. */
function summed(emit: NodeEmitter, { tensor, labels }: Labeled, needed: ReadonlySet<string>): Labeled {
  const axes = labels.flatMap((label, i) => (needed.has(label) ? [] : [i]));
  if (axes.length === 0) return { tensor, labels };
  return { tensor: emit.reduce('sum', tensor, axes, false), labels: labels.filter((label) => needed.has(label)) };
}

/** The product of two tensors as matrices, summed over the names that `needed` lacks. */
function contract(emit: NodeEmitter, a: Labeled, b: Labeled, needed: ReadonlySet<string>): Labeled {
  const common = a.labels.filter((label) => b.labels.includes(label));
  const batch = common.filter((label) => needed.has(label));
  const inner = common.filter((label) => !needed.has(label));
  const left = a.labels.filter((label) => !common.includes(label));
  const right = b.labels.filter((label) => !common.includes(label));
  const sizes = new Map([...a.labels.map((label, i) => [label, a.tensor.shape[i]!] as const),
    ...b.labels.map((label, i) => [label, b.tensor.shape[i]!] as const)]);
  // a dimension of one element broadcasts to that of the other operand
  for (const label of common) {
    sizes.set(label, Math.max(a.tensor.shape[a.labels.indexOf(label)]!, b.tensor.shape[b.labels.indexOf(label)]!));
  }
  const sizeOf = (labels: readonly string[]): number => elementCount(labels.map((label) => sizes.get(label)!));
  const matrices = (x: Labeled, labels: string[], shape: number[]): Tensor => {
    const ordered = emit.transpose(x.tensor, labels.map((label) => x.labels.indexOf(label)));
    return emit.reshape(emit.broadcastTo(ordered, labels.map((label) => sizes.get(label)!)), shape);
  };
  const lead = batch.length === 0 ? [] : [sizeOf(batch)];
  const leftMatrix = matrices(a, [...batch, ...left, ...inner], [...lead, sizeOf(left), sizeOf(inner)]);
  const rightMatrix = matrices(b, [...batch, ...inner, ...right], [...lead, sizeOf(inner), sizeOf(right)]);
  const labels = [...batch, ...left, ...right];
  const y = product(emit, leftMatrix, rightMatrix);
  return { tensor: emit.reshape(y, labels.map((label) => sizes.get(label)!)), labels };
}

/** Einstein's summation convention: products of matrices, sums and transposes. */
export function einsum(operator: FileOperator, equation: string, operands: readonly Tensor[]): Tensor {
  const { emit } = operator;
  const [left = '', right] = equation.replace(/\s/g, '').split('->') as [string, string?];
  const terms = left.split(',');
  operator.check(terms.length === operands.length, `${terms.length} terms for ${operands.length} operands`);
  const labeled = operands.map((tensor, i) => ({ tensor, labels: labelsOf(operator, terms[i]!, tensor.shape.length) }));
  const all = labeled.flatMap(({ labels }) => labels);
  // without an arrow: the ellipsis, then the names that occur once, in alphabetical order
  const rest = [...new Set(all)].filter((label) => label.startsWith('…'));
  const implied = [...rest.sort().reverse(),
    ...[...new Set(all)].filter((label) => !label.startsWith('…') && all.indexOf(label) === all.lastIndexOf(label))
      .sort()];
  const result = right === undefined
    ? implied
    : labelsOf(operator, right, right.replace('...', '').length + (right.includes('...') ? rest.length : 0));
  operator.check(result.every((label) => all.includes(label)), `the result "${right}"`);
  let [done, ...others] = labeled.map((x) => diagonal(emit, x)) as [Labeled, ...Labeled[]];
  while (others.length > 0) {
    const [next, ...later] = others as [Labeled, ...Labeled[]];
    const needed = new Set([...result, ...later.flatMap(({ labels }) => labels)]);
    const withNext = new Set([...needed, ...next.labels]);
    const withDone = new Set([...needed, ...done.labels]);
    done = contract(emit, summed(emit, done, withNext), summed(emit, next, withDone), needed);
    others = later;
  }
  const { tensor, labels } = summed(emit, done, new Set(result));
  return emit.transpose(tensor, result.map((label) => labels.indexOf(label)));
}
