import type { KletParts, Notes } from '../compiler/index';
import type { AudioPreprocessing, MemoryUse, Preprocessing, TensorInfo } from '../index';
import { bytesText, facts, floatText, plural, shapeText, table } from './text';

const PAGE = 65536;

export function portsTable(inputs: readonly TensorInfo[], outputs: readonly TensorInfo[]): string {
  const row =
    (side: string) => ({ name, dtype, shape, scale, zeroPoint }: TensorInfo): string[] => [side, name, dtype,
      shapeText(shape), scale === undefined ? '' : floatText(scale), zeroPoint === undefined ? '' : String(zeroPoint)];
  return table([{ head: '' }, { head: 'name' }, { head: 'type' }, { head: 'shape' }, { head: 'scale' }, {
    head: 'zero point',
    align: 'right',
  }], [...inputs.map(row('input')), ...outputs.map(row('output'))]);
}

/** "36 conv2d, 17 depthwiseConv2d, …", the most frequent first. */
export function operatorCounts(notes: Notes): string {
  const counts = new Map<string, number>();
  for (const { op } of notes.records) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([op, count]) => `${count} ${op}`).join(', ');
}

export function totalMacs(notes: Notes): number {
  return notes.records.reduce((sum, record) => sum + record.macs, 0);
}

/**
 * The whole memory and its parts; `state` is a part of the arena, `overhead` the core's own tables
 * and the rounding to pages.
 */
export function memoryParts(
  { total, plan, weights, arena, scratch, state }: MemoryUse,
): MemoryUse & { overhead: number } {
  return { total, weights, arena, state, scratch, plan, overhead: total - plan - weights - arena - scratch };
}

export function memoryText(memory: MemoryUse): string {
  const { total, ...others } = memoryParts(memory);
  const parts = Object.entries(others).filter(([part, bytes]) => part !== 'state' || bytes > 0).map(([part, bytes]) =>
    `${part} ${bytesText(bytes)}${part === 'state' ? ' of it' : ''}`
  );
  return `${bytesText(total)} at all times (${total} bytes, ${plural(total / PAGE, 'page')} of 64 KiB)\n${
    parts.join(', ')
  }`;
}

export function preprocessingText(preprocessing: Preprocessing): string {
  if (preprocessing.kind === 'audio') return audioText(preprocessing);
  const { channels, scale, offset, invert } = preprocessing;
  const numbers = (
    value: number | number[],
  ): string => (Array.isArray(value) ? `[${value.map(floatText).join(', ')}]` : floatText(value));
  return `picture of ${plural(channels, 'channel')}${invert ? ', inverted' : ''}, bytes × ${numbers(scale)} + ${
    numbers(offset)
  }`;
}

function audioText({ sampleRate, frameLength, hop, mel, power, compression, mfcc }: AudioPreprocessing): string {
  const level = compression?.kind === 'log'
    ? { natural: 'ln', log10: 'log10', decibel: 'dB' }[compression.unit]
    : compression && 'PCEN';
  const parts = [power === 1 ? 'magnitudes' : 'powers',
    mel && `${plural(mel.bands, 'mel band')} of ${mel.low} to ${mel.high} Hz`, level, mfcc && `${mfcc.count} MFCC`];
  return `${sampleRate} Hz, ${frameLength} samples every ${hop}, ${parts.filter((part) => part !== null).join(', ')}`;
}

/** How many golden cases ride along. */
export function goldenCases({ golden, meta }: KletParts): number {
  // the arena holds int64 as int32
  const inside = { float32: 4, int8: 1, uint8: 1, int32: 4, int64: 4, bool: 1 };
  const bytes = [...meta.inputs, ...meta.outputs].reduce(
    (sum, { dtype, shape }) => sum + shape.reduce((a, b) => a * b, inside[dtype]),
    0,
  );
  return golden && bytes > 0 ? Math.floor(golden.length / bytes) : 0;
}

/** Free-form META: one line a property. */
export function recordText(record: Record<string, unknown> | undefined): string | undefined {
  const entries = Object.entries(record ?? {});
  return entries.length > 0
    ? facts(entries.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])).trimEnd()
    : undefined;
}
