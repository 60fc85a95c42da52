import { RECURRENT_BATCH, RECURRENT_CELL, RECURRENT_CELLS, RECURRENT_HIDDEN, RECURRENT_INPUTS, RECURRENT_KIND,
  RECURRENT_LSTM, RECURRENT_OUTPUTS, RECURRENT_REVERSE, RECURRENT_SOURCE, RECURRENT_SOURCE_BATCH_STRIDE,
  RECURRENT_SOURCE_TIME_STRIDE, RECURRENT_TARGET, RECURRENT_TARGET_BATCH_STRIDE, RECURRENT_TARGET_TIME_STRIDE,
  RECURRENT_TIME } from '../../../assembly/layout';
import { isFloat } from '../floats';
import { int, offsetOf, reserve, reserveBytes, sectionOf, type Memory } from '../memory';
import { cell as cells32, hidden as hidden32, reserveFloat, stepFloat } from './float';
import { cell as cells16, hidden as hidden8, reserveInt8, stepGru, stepLstm, stepRnn } from './int8';
import { gatesOf, isGru, lanesOf } from './matrix';

export function prepareRecurrent(r: number, m: Memory): void {
  const N = int(r, m, RECURRENT_CELLS);
  const P = int(r, m, RECURRENT_OUTPUTS);
  const K = Math.max(int(r, m, RECURRENT_INPUTS), N, P);
  const lanes = gatesOf(r, m) * lanesOf(r, m);
  const states = Math.max(N, P) + 7;
  reserve(K, Math.max(lanes, P + 7));
  if (isFloat(r, m)) {
    reserveBytes(K);
    reserveFloat(lanes, states);
  } else reserveInt8(lanes, states);
}

function move(from: Int8Array | Int16Array | Float32Array, at: number, out: typeof from, to: number, n: number): void {
  for (let i = 0; i < n; i++) out[to + i] = from[at + i]!;
}

export function runRecurrent(r: number, m: Memory): void {
  const floats = isFloat(r, m);
  const shift = floats ? 2 : 0;
  const time = int(r, m, RECURRENT_TIME);
  const N = int(r, m, RECURRENT_CELLS);
  const P = int(r, m, RECURRENT_OUTPUTS);
  const lstm = int(r, m, RECURRENT_KIND) === RECURRENT_LSTM;
  const gru = isGru(r, m);
  const section = sectionOf(r, m, RECURRENT_SOURCE);
  const out = floats ? m.arena.f32 : m.arena.i8;
  const cells = floats ? m.arena.f32 : m.arena.i16;
  const cell = floats ? cells32 : cells16;
  const hidden = floats ? hidden32 : hidden8;
  for (let b = 0; b < int(r, m, RECURRENT_BATCH); b++) {
    // an int8 gru has its state in the cell, with more bits than its output
    const wide = !floats && gru;
    const state = (int(r, m, RECURRENT_HIDDEN) >> (wide ? 1 : shift)) + b * P;
    const kept = wide ? state : (int(r, m, RECURRENT_CELL) >> (floats ? 2 : 1)) + b * N;
    if (lstm || wide) move(cells, kept, cell, 0, N);
    for (let s = 0; s < time; s++) {
      const t = int(r, m, RECURRENT_REVERSE) !== 0 ? time - 1 - s : s;
      const x = (offsetOf(r, m, RECURRENT_SOURCE) >> shift) + t * int(r, m, RECURRENT_SOURCE_TIME_STRIDE) +
        b * int(r, m, RECURRENT_SOURCE_BATCH_STRIDE);
      if (floats) stepFloat(r, m, section.f32, x, state);
      else {
        if (!gru) move(m.arena.i8, state, hidden, 0, P);
        if (lstm) stepLstm(r, m, section.i8, x);
        else if (gru) stepGru(r, m, section.i8, x);
        else stepRnn(r, m, section.i8, x);
      }
      const y = (int(r, m, RECURRENT_TARGET) >> shift) + t * int(r, m, RECURRENT_TARGET_TIME_STRIDE) +
        b * int(r, m, RECURRENT_TARGET_BATCH_STRIDE);
      move(hidden, 0, out, y, P);
      if (!wide) move(hidden, 0, out, state, P);
    }
    if (lstm || wide) move(cell, 0, cells, kept, N);
  }
}
