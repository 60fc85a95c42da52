import { FILL_COUNT, FILL_ELEMENT_BYTES, FILL_TARGET, FILL_VALUE } from '../../assembly/layout';
import { int, type Memory } from './memory';

export function runFill(r: number, m: Memory): void {
  const bytes = int(r, m, FILL_ELEMENT_BYTES) === 1;
  const out = bytes ? m.arena.i8 : m.arena.i32;
  const to = int(r, m, FILL_TARGET) >> (bytes ? 0 : 2);
  const value = int(r, m, FILL_VALUE);
  for (let i = 0; i < int(r, m, FILL_COUNT); i++) out[to + i] = value;
}
