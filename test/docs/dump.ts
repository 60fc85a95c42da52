import { SECTION_DEBUG, SECTION_GOLDEN, SECTION_META, SECTION_PLAN, SECTION_WEIGHTS } from '../../src/format/klet';

const names = new Map([[SECTION_META, 'META'], [SECTION_PLAN, 'PLAN'], [SECTION_WEIGHTS, 'WEIGHTS'], [SECTION_GOLDEN,
  'GOLDEN'], [SECTION_DEBUG, 'DEBUG']]);

/**
 * The bytes of the example with their meaning, line by line, as docs/format/example.md must show.
 */
export function annotate(file: Uint8Array): string[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const lines: string[] = [];
  let at = 0;
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const next = (): number => view.getUint32(at, true);
  const take = (count: number, meaning: string): void => {
    const bytes = [...file.subarray(at, at + count)].map((byte) => hex(byte, 2)).join(' ');
    lines.push(`${hex(at, 4)}  ${bytes.padEnd(47)}  ${meaning}`);
    at += count;
  };
  const text = (count: number): void => {
    for (const end = at + count; at < end;) {
      take(Math.min(16, end - at), String.fromCharCode(...file.subarray(at, Math.min(end, at + 16))));
    }
  };
  const gap = (end: number | undefined): void => {
    if (end !== undefined && at < end) take(end - at, 'gap');
  };

  take(4, '"KLET"');
  take(2, `major ${view.getUint16(at, true)}`);
  take(2, `minor ${view.getUint16(at, true)}`);
  take(4, `length of the file: ${next()}`);
  take(4, 'flags: none');
  take(4, `arena: ${next()} bytes`);
  take(4, `scratch: ${next()} bytes`);
  const count = next();
  take(4, `sections: ${count}`);
  take(4, `CRC-32 of bytes 0000 to 001b and 0020 to ${hex(31 + count * 16, 4)}`);
  const sections = new Map<string, { offset: number; length: number }>();
  for (let i = 0; i < count; i++) {
    const [kind, offset, length, crc] = [0, 4, 8, 12].map((field) => view.getUint32(at + field, true)) as [number,
      number, number, number];
    const name = names.get(kind)!;
    sections.set(name, { offset, length });
    take(16, `${name} at ${hex(offset, 4)}, ${length} bytes, CRC-32 ${hex(crc, 8)}`);
  }

  gap(sections.get('META')?.offset);
  text(sections.get('META')!.length);
  gap(sections.get('PLAN')?.offset);
  take(1, 'RECORD_OPCODE: CONV2D');
  take(1, 'RECORD_DTYPE: i8');
  take(2, 'unused');
  take(4, `RECORD_SIZE: ${next()}`);
  take(4, `CONV2D_SOURCE: arena ${next()}, x`);
  take(4, `CONV2D_TARGET: arena ${next()}, y`);
  for (const field of ['WEIGHTS', 'BIAS', 'SCALE']) take(4, `CONV2D_${field}: WEIGHTS ${next()}`);
  const numbers = ['BATCH', 'IN_H', 'IN_W', 'IN_C', 'OUT_H', 'OUT_W', 'OUT_C', 'KERNEL_H', 'KERNEL_W', 'STRIDE_Y',
    'STRIDE_X', 'DILATION_Y', 'DILATION_X', 'PAD_TOP', 'PAD_LEFT', 'GROUPS', 'BLOCK_ROWS', 'PIXEL_STRIDE', 'ROW_STRIDE',
    'BATCH_STRIDE', 'SOURCE_ZERO', 'WEIGHTS_ZERO', 'TARGET_ZERO'];
  for (const field of numbers) take(4, `CONV2D_${field}: ${next() | 0}`);
  take(4, `CONV2D_MIN: ${next() | 0}, relu clamps to the zero point`);
  take(4, `CONV2D_MAX: ${next() | 0}`);

  gap(sections.get('WEIGHTS')?.offset);
  take(4, 'weights of output 0: 1, -2, 3 and padding');
  take(4, 'weights of output 1: 64, 0, -128 and padding');
  take(16, 'outputs 2 to 7 of the panel: 0');
  take(8, '0');
  take(4, `bias of output 0: 10 - 1·(1 - 2 + 3) = ${next() | 0}`);
  take(4, `bias of output 1: -7 - 1·(64 + 0 - 128) = ${next() | 0}`);
  take(16, '0');
  take(8, '0');
  take(4, 'scale of output 0: f32(0.5 · 0.25 / 0.75)');
  take(4, 'scale of output 1: f32(0.5 · 0.125 / 0.75)');
  take(16, '0');
  take(8, '0');

  gap(sections.get('GOLDEN')?.offset);
  take(3, `x: ${[0, 1, 2].map((i) => view.getInt8(at + i)).join(', ')}`);
  take(2, `y: ${[0, 1].map((i) => view.getInt8(at + i)).join(', ')}`);
  gap(sections.get('DEBUG')?.offset);
  text(sections.get('DEBUG')!.length);
  return lines;
}
