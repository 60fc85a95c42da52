import { DTYPE_F32, RECURRENT_BATCH, RECURRENT_CELL, RECURRENT_CELLS, RECURRENT_HIDDEN, RECURRENT_KIND, RECURRENT_LSTM,
  RECURRENT_OUTPUTS, RECURRENT_REVERSE, RECURRENT_SOURCE, RECURRENT_SOURCE_BATCH_STRIDE, RECURRENT_SOURCE_TIME_STRIDE,
  RECURRENT_TARGET, RECURRENT_TARGET_BATCH_STRIDE, RECURRENT_TARGET_TIME_STRIDE, RECURRENT_TIME } from '../../layout';
import { copy_bytes } from '../../kernels/copy';
import { dtypeOf, int } from '../../record';
import { share, shareFrom, shareTo } from '../../threads';
import { gatesOf, hiddenBytes, isGru } from './describe';
import { stepF32 } from './float';
import { stepGru, stepLstm, stepRnn } from './int8';
import { cell, hidden, layOutScratch, up } from './scratch';

export function runRecurrent(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = f32s ? 4 : 1;
  const time = int(r, RECURRENT_TIME);
  const backward = int(r, RECURRENT_REVERSE) != 0;
  const N = int(r, RECURRENT_CELLS);
  const P = int(r, RECURRENT_OUTPUTS);
  const kind = int(r, RECURRENT_KIND);
  const gru = isGru(kind);
  const width = hiddenBytes(kind, f32s);
  const cellBytes = N * (f32s ? 4 : 2);
  layOutScratch(r, gatesOf(r) * up(N, 8), f32s ? 4 : 2);
  share(int(r, RECURRENT_BATCH), 1);
  for (let b = shareFrom; b < shareTo; b++) {
    const state = <usize>int(r, RECURRENT_HIDDEN) + b * P * width;
    const cells = <usize>int(r, RECURRENT_CELL) + b * cellBytes;
    if (kind == RECURRENT_LSTM) copy_bytes(cells, cell, cellBytes);
    for (let s = 0; s < time; s++) {
      const t = backward ? time - 1 - s : s;
      const x = <usize>int(r, RECURRENT_SOURCE) +
        (t * int(r, RECURRENT_SOURCE_TIME_STRIDE) + b * int(r, RECURRENT_SOURCE_BATCH_STRIDE)) * size;
      if (f32s) stepF32(r, x, state);
      else if (kind == RECURRENT_LSTM) stepLstm(r, x, state);
      else if (gru) stepGru(r, x, state);
      else stepRnn(r, x, state);
      const y = <usize>int(r, RECURRENT_TARGET) +
        (t * int(r, RECURRENT_TARGET_TIME_STRIDE) + b * int(r, RECURRENT_TARGET_BATCH_STRIDE)) * size;
      copy_bytes(hidden, y, P * size);
      // An int8 gru stores its state itself, in i16, with more bits than its output.
      if (f32s || !gru) copy_bytes(hidden, state, P * size);
    }
    if (kind == RECURRENT_LSTM) copy_bytes(cell, cells, cellBytes);
  }
}
