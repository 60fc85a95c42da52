import type { Tensor } from '../../../graph/graph';
import type { Mapping, Mappings, Outcome, TfOperator } from '../operator';

/** Whether a condition is true: a number other than 0, in a tensor of one element. */
function isTrue(operator: TfOperator, i: number): boolean {
  const { data } = operator.constant(i, 'a condition');
  operator.check(data.length === 1, `a condition of ${data.length} elements`);
  return data[0] !== 0;
}

/** The data on the side that the condition chooses: 0 is false, 1 is true. */
const choose: Mapping = (operator) => {
  const x = operator.input(0);
  return isTrue(operator, 1) ? [null, x] : [x, null];
};

/** The input that was chosen, and its place. */
const merge: Mapping = ({ emit, operands }): Outcome[] => {
  const chosen = operands.findIndex((x) => x !== null);
  if (chosen < 0) return [];
  return [operands[chosen]!, emit.constant(Int32Array.of(chosen), [], 'int32')];
};

const branch: Mapping = (operator) => {
  const { attributes, network, inputs } = operator;
  return network.call(attributes.func(isTrue(operator, 0) ? 'then_branch' : 'else_branch'), inputs.slice(1));
};

const call: Mapping = ({ attributes, network, inputs }) => network.call(attributes.func('f'), inputs);

const identity: Mapping = (operator) => operator.input(0);

export const control: Mappings = {
  Switch: choose,
  Merge: merge,
  If: branch,
  StatelessIf: branch,
  PartitionedCall: call,
  StatefulPartitionedCall: call,
  Identity: identity,
  IdentityN: ({ inputs }): Tensor[] => inputs,
  Snapshot: identity,
  StopGradient: identity,
  PreventGradient: identity,
  EnsureShape: identity,
  CheckNumerics: identity,
  Print: identity,
  PrintV2: () => [],
  NoOp: () => [],
  Assert: () => [],
  PlaceholderWithDefault: identity,
  FakeQuantWithMinMaxVars: identity,
};
