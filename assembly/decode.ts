import { CODED_BYTES, CODED_CHANNELS, CODED_HEADER, CODED_LANES, CODED_PLANES, CODED_QUADS, CODED_RUNS, CODED_RUN_BYTES,
  CODED_TABLES, CODED_WEIGHTS_BYTES, FAULT_CODED, FAULT_NONE, MAP, MAP_WEIGHTS, MAP_WEIGHTS_BYTES,
  MAX_CODED_TABLES } from './layout';
import { RANS_END, RANS_LOWEST, RANS_NEXT, RANS_STATE_BYTES, RANS_TABLE_BYTES, fill_lane, rans_decode, rans_symbol,
  rans_table } from './kernels/rans';

// Entropy-coded weights are decoded in place. The coded section starts CODED_LEAD bytes after the
// start of the weights, so that no byte is overwritten before it is read. The tables, the state and
// a copy of the list of runs follow the section.

/**
 * Quads decoded by one call. Calls are short so that an engine can soon replace the function by its
 * optimized version.
 */
const BLOCK = 1024;

/**
 * Decodes the section of `bytes` bytes at `coded` to the weights. `room` is the address of working
 * memory.
 *
 * @returns a FAULT_ code
 */
export function decode(coded: usize, bytes: u32, room: usize): i32 {
  if (bytes < <u32>CODED_HEADER) return FAULT_CODED;
  const tables = load<u32>(coded, CODED_TABLES);
  const runs = load<u32>(coded, CODED_RUNS);
  const end = coded + bytes;
  if (load<u32>(coded, CODED_WEIGHTS_BYTES) != load<u32>(MAP + MAP_WEIGHTS_BYTES) || tables < 1 ||
    tables > <u32>MAX_CODED_TABLES || runs > (bytes - CODED_HEADER) / CODED_RUN_BYTES) return FAULT_CODED;
  const state = room + tables * RANS_TABLE_BYTES;
  const list = state + RANS_STATE_BYTES;
  memory.copy(list, coded + CODED_HEADER, runs * CODED_RUN_BYTES);
  let at = coded + CODED_HEADER + runs * CODED_RUN_BYTES;
  for (let i: u32 = 0; i < tables; i++) {
    at = rans_table(at, end, room + i * RANS_TABLE_BYTES);
    if (at == 0) return FAULT_CODED;
  }
  at = (at + 3) & ~3;
  if (at + 16 > end) return FAULT_CODED;
  memory.copy(state, at, 16);
  store<usize>(state, at + 16, RANS_NEXT);
  store<usize>(state, end, RANS_END);
  let offset: u32 = 0;
  for (let i: u32 = 0; i < runs; i++) {
    const run = list + i * CODED_RUN_BYTES;
    const quads = load<u32>(run, CODED_QUADS);
    const lanes = load<u32>(run, CODED_LANES);
    const size = <f64>quads * 4 * <f64>lanes;
    if (lanes < 1 || quads < 1 || <f64>offset + size > <f64>load<u32>(MAP + MAP_WEIGHTS_BYTES) ||
      !decodeRun(offset, quads, lanes, state, room, tables)) return FAULT_CODED;
    offset += <u32>size;
  }
  memory.fill(load<usize>(MAP + MAP_WEIGHTS) + offset, 0, load<u32>(MAP + MAP_WEIGHTS_BYTES) - offset);
  for (let i = 0; i < 16; i += 4) if (load<u32>(state + i) != RANS_LOWEST) return FAULT_CODED;
  return load<usize>(state, RANS_NEXT) == end ? FAULT_NONE : FAULT_CODED;
}

/**
 * Decodes one run. A lane is a sequence of bytes with one table: all bytes of a run, byte i of its
 * words, or a channel of its panels. A lane with table 0 is a constant byte.
 */
function decodeRun(offset: u32, quads: u32, lanes: u32, state: usize, room: usize, tables: u32): bool {
  if (lanes != CODED_BYTES && lanes != CODED_PLANES && lanes % CODED_CHANNELS != 0) return false;
  const panel = quads << 5;
  const first = load<usize>(MAP + MAP_WEIGHTS) + offset;
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const table = rans_symbol(state, room);
    if (table >= tables) return false;
    const value = table == 0 ? rans_symbol(state, room) : 0;
    if (lanes == CODED_BYTES && table == 0) {
      memory.fill(first, <u8>value, quads << 2);
      continue;
    }
    const from = first + (lanes == CODED_PLANES ? lane : (lane >> 3) * panel + ((lane & 7) << 2));
    const step = lanes == CODED_PLANES ? 4 : 1;
    let stride = lanes == CODED_PLANES ? 16 : 32;
    if (lanes == CODED_BYTES) stride = 4;
    for (let quad: u32 = 0; quad < quads; quad += BLOCK) {
      if (table == 0) fill_lane(value, from + quad * stride, min<u32>(BLOCK, quads - quad), step, stride);
      else if (!rans_decode(
        state,
        room + table * RANS_TABLE_BYTES,
        from + quad * stride,
        min<u32>(BLOCK, quads - quad),
        step,
        stride,
      )) return false;
    }
  }
  return true;
}
