import type { Tensor } from '../../../graph/graph';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import type { Mapping, Mappings } from '../operator';

const dft: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const rank = x.shape.length;
  // the axis is an input from operator set 20 on
  const axis = operator.version < 20 ? attributes.int('axis', 1) : operator.scalar(2, 'an axis') ?? -2;
  const inverse = attributes.int('inverse', 0) === 1;
  const onesided = attributes.int('onesided', 0) === 1;
  operator.check(!inverse || !onesided, 'the inverse of one side');
  const along = operator.axis(axis, rank);
  return emit.node('dft', [x], {
    axis: along,
    length: operator.scalar(1, 'a length') ?? x.shape[along]!,
    inverse,
    onesided,
  });
};

/**
 * The frames of a signal [B][T][C] → [B][frames][at least `length`][C]. A frame is a number of
 * blocks of `step` elements, of which each but the last belongs to later frames too.
 */
function framesOf(emit: NodeEmitter, signal: Tensor, step: number, length: number): Tensor {
  const [batch, time, parts] = signal.shape as [number, number, number];
  const frames = Math.floor((time - length) / step) + 1;
  const blocks = Math.ceil(length / step);
  const used = (frames + blocks - 1) * step;
  const cut = emit.slice(signal, [0, 0, 0], [batch, Math.min(time, used), parts]);
  const whole = used <= time ?
    cut :
    emit.node('pad', [cut], { before: [0, 0, 0], after: [0, used - time, 0], mode: 'constant', value: 0 });
  const rows = emit.reshape(whole, [batch, frames + blocks - 1, step, parts]);
  const shifted = Array.from(
    { length: blocks },
    (_, i) => emit.slice(rows, [0, i, 0, 0], [batch, frames, step, parts]),
  );
  return emit.concat(shifted, 2);
}

const stft: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const step = operator.scalar(1, 'a step of frames') ?? 0;
  const window = operator.optional(2);
  const length = operator.scalar(3, 'a length of frames') ?? window?.shape[0] ?? 0;
  const signal = x.shape.length === 2 ? emit.reshape(x, [...x.shape, 1]) : x;
  const time = signal.shape[1]!;
  operator.check(
    signal.shape.length === 3 && step >= 1 && length >= 1 && length <= time,
    `frames of ${length} elements every ${step} of a signal [${x.shape.join(', ')}]`,
  );
  const frames = framesOf(emit, signal, step, length);
  let weighted = frames;
  if (window) {
    operator.check(window.shape.join() === `${length}`, `a window [${window.shape.join(', ')}] for ${length} elements`);
    const rest = frames.shape[2]! - length;
    const padded = rest === 0 ?
      window :
      emit.node('pad', [window], { before: [0], after: [rest], mode: 'constant', value: 0 });
    weighted = emit.binary('mul', frames, emit.reshape(padded, [1, 1, frames.shape[2]!, 1]));
  }
  const onesided = attributes.int('onesided', 1) === 1;
  return emit.node('dft', [weighted], { axis: 2, length, inverse: false, onesided });
};

export const spectrum: Mappings = { DFT: dft, STFT: stft };
