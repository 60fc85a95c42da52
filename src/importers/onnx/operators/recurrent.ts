import type { Tensor } from '../../../graph/graph';
import type { Constant } from '../../shared/constants';
import { emitOnnxRecurrent, onnxFunctions, type OnnxRecurrent } from '../../shared/onnxRecurrent';
import { OperatorImport } from '../../shared/operatorImport';
import type { Mapping, Mappings, OnnxOperator } from '../operator';

/** A constant of float32 weights that may be absent. */
function weights(operator: OnnxOperator, i: number): Constant | null {
  return operator.has(i) ? operator.constant(i, 'weights') : null;
}

/** LSTM, GRU and RNN. Only the outputs that are read are computed. */
function recurrent(cell: OnnxRecurrent['cell']): Mapping {
  return (operator) => {
    const { attributes, emit, network } = operator;
    const x = operator.input(0);
    const r = operator.constant(2, 'recurrent weights');
    const [directions = 1, , size = 0] = r.shape;
    const direction = attributes.string('direction', 'forward') as OnnxRecurrent['direction'];
    operator.check(['forward', 'reverse', 'bidirectional'].includes(direction), `the direction ${direction}`);
    const layout = attributes.int('layout', 0) === 1 ? 1 : 0;
    const [time, batch] = layout === 1 ? [x.shape[1]!, x.shape[0]!] : [x.shape[0]!, x.shape[1]!];
    const output = (index: number, shape: number[]): Tensor | null =>
      network.isRead(index) ? { name: emit.names.take(`${emit.prefix}/${cell}`), shape, dtype: 'float32' } : null;
    const state = layout === 1 ? [batch, directions, size] : [directions, batch, size];
    const sequence = layout === 1 ? [batch, time, directions, size] : [time, directions, batch, size];
    const outputs = {
      y: output(0, sequence),
      hidden: output(1, state),
      cell: cell === 'lstm' ? output(2, state) : null,
    };
    const nodes = new OperatorImport(
      operator.kind,
      {},
      [],
      [() => (outputs.y ?? outputs.hidden ?? outputs.cell)!],
      emit.names,
    );
    emitOnnxRecurrent(nodes, {
      cell,
      direction,
      layout,
      x,
      w: operator.constant(1, 'weights'),
      r,
      b: weights(operator, 3),
      lengths: operator.optional(4),
      initialHidden: operator.optional(5),
      ...(cell === 'lstm' && { initialCell: operator.optional(6), p: weights(operator, 7) }),
      functions: onnxFunctions(
        cell,
        directions,
        attributes.strings('activations'),
        attributes.floats('activation_alpha'),
        attributes.floats('activation_beta'),
      ),
      clip: attributes.float('clip', 0),
      inputForget: attributes.int('input_forget', 0) === 1,
      linearBeforeReset: attributes.int('linear_before_reset', 0) === 1,
    }, outputs);
    emit.nodes.push(...nodes.nodes);
    return [outputs.y, outputs.hidden, ...(cell === 'lstm' ? [outputs.cell] : [])] as Tensor[];
  };
}

export const recurrence: Mappings = { LSTM: recurrent('lstm'), GRU: recurrent('gru'), RNN: recurrent('rnn') };
