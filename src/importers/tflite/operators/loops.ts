import type { Tensor } from '../../../graph/graph';
import type { Loop } from '../loops/loop';
import type { Mapping, Mappings, TfliteOperator } from '../operator';

function emitCell(operator: TfliteOperator, { cell, starts }: Loop, x: Tensor, sequence: Tensor): void {
  const states = starts.map((slot) => operator.input(slot, 2));
  const shared = { timeMajor: true, reverse: false, ...(cell.hybrid && { hybrid: cell.hybrid }) };
  const { w, u, bias } = cell;
  if (cell.op === 'gru') {
    operator.emit('gru', [x, w, u, bias, cell.recurrentBias, ...states], { ...shared, resetAfter: cell.resetAfter }, [
      sequence,
    ]);
  } else if (cell.op === 'rnn') {
    operator.emit('rnn', [x, w, u, bias, ...states], { ...shared, activation: cell.activation }, [sequence]);
  } else {
    operator.emit('lstm', [x, w, u, bias, null, null, null, null, ...states], {
      ...shared,
      activation: cell.activation,
      cellClip: 0,
      projectionClip: 0,
    }, [sequence]);
  }
}

export const loops: Mappings = {
  /** A recurrent layer of Keras that the converter left as a loop over time steps. */
  WHILE(operator) {
    const { loop } = operator;
    const x = operator.input(loop.sequence, 3);
    operator.check(x.dtype === 'float32', `a sequence of ${x.dtype}`);
    const read = operator.results.flatMap((result, slot) => (operator.isRead(slot) ? [{ slot, result }] : []));
    for (const { slot } of read) {
      operator.check(loop.results.has(slot), 'a result that is neither its hidden states nor the last of them');
    }
    const [length, batch] = x.shape as [number, number, number];
    const width = loop.cell.u.shape[1]!;
    const all = read.find(({ slot }) => loop.results.get(slot) === 'all');
    const sequence = all?.result() ?? operator.temporary(x, [length, batch, width], 'sequence');
    emitCell(operator, loop, x, sequence);
    for (const { slot, result } of read) {
      if (loop.results.get(slot) === 'all') continue;
      const last = result();
      const part = last.shape.length === 3 ? last : operator.temporary(last, [1, batch, width], 'last');
      operator.emit('slice', [sequence], { begin: [length - 1, 0, 0], stride: [1, 1, 1] }, [part]);
      if (part !== last) operator.emit('reshape', [part], {}, [last]);
    }
  },
};

/** Lists of tensors: a list is the tensor that its elements make. */
export const lists: readonly (readonly [string, Mapping<'CUSTOM'>])[] = ['TensorListStack', 'TensorListFromTensor']
  .flatMap((name) =>
    [name, `Flex${name}`].map((custom) =>
      [custom, (operator: TfliteOperator<'CUSTOM'>) => operator.emit('reshape', [operator.input(0)], {})] as const
    )
  );
