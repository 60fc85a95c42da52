import type { Tensor } from '../../../graph/graph';
import type { Mapping, Mappings } from '../operator';

/** A branch is taken at conversion, so that its condition must be known. */
const branch: Mapping = (operator) => {
  const condition = operator.constant(0, 'a condition').data[0];
  const taken = operator.attributes.graph(condition ? 'then_branch' : 'else_branch');
  operator.check(taken !== undefined, 'no branch');
  return operator.network.inline(taken!, []);
};

/** More rounds would make a network of many nodes. */
const MAX_ROUNDS = 256;

/** A loop with a known number of rounds is written out. */
const loop: Mapping = (operator) => {
  const { emit, network, attributes } = operator;
  const body = attributes.graph('body');
  operator.check(body !== undefined, 'no body');
  const rounds = operator.has(0) ? operator.constant(0, 'a number of rounds').data[0]! : Infinity;
  const states = operator.operands.slice(2) as Tensor[];
  const scans: Tensor[][] = body!.output.slice(1 + states.length).map(() => []);
  let condition: Tensor | null = operator.optional(1);
  let values = states;
  for (let round = 0; round < rounds; round++) {
    operator.check(!condition || condition.data !== undefined, 'a condition that is computed at run time');
    if (condition && condition.data![0] === 0) break;
    operator.check(round < MAX_ROUNDS, `more than ${MAX_ROUNDS} rounds`);
    const counter = emit.constant(Int32Array.of(round), [], 'int64');
    const results = network.inline(body!, [counter, condition ?? emit.constant(Uint8Array.of(1), [], 'bool'),
      ...values]);
    condition = results[0]!;
    values = results.slice(1, 1 + states.length);
    results.slice(1 + states.length).forEach((result, i) => scans[i]!.push(result));
  }
  const stacked = scans.map((parts) => {
    operator.check(parts.length > 0, 'no rounds');
    return emit.concat(parts.map((part) => emit.reshape(part, [1, ...part.shape])), 0);
  });
  return [...values, ...stacked];
};

export const control: Mappings = { If: branch, Loop: loop };
