import type { DebugInfo, KletParts } from '../compiler/index';
import { layersOf } from '../format/debugInfo';
import type { AudioPreprocessing, MemoryUse, Preprocessing, TensorInfo } from '../index';
import { bytesText, facts, floatText, inline, plural, shapeText, table } from './text';

const PAGE = 65536;

export function portsTable(inputs: readonly TensorInfo[], outputs: readonly TensorInfo[]): string {
  const row = (side: string, { name, dtype, shape, scale, zeroPoint }: TensorInfo): string[] => {
    const scaleText = scale === undefined ? '' : floatText(scale);
    const zeroPointText = zeroPoint === undefined ? '' : String(zeroPoint);
    return [side, name, dtype, shapeText(shape), scaleText, zeroPointText];
  };
  const left = ['', 'name', 'type', 'shape', 'scale'].map((head) => ({ head }));
  const rows = [...inputs.map((input) => row('input', input)), ...outputs.map((output) => row('output', output))];
  return table([...left, { head: 'zero point', align: 'right' }], rows);
}

/** "36 conv2d, 17 depthwiseConv2d, …", most frequent first. */
export function operatorCounts(debugInfo: DebugInfo): string {
  const counts = new Map<string, number>();
  for (const { op } of layersOf(debugInfo)) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([op, count]) => `${count} ${inline(op)}`).join(', ');
}

/** What runs in strips of rows, and what that saves. */
export function stripsText(debugInfo: DebugInfo, arenaBytes: number): string | undefined {
  const { strips } = debugInfo;
  if (!strips) return undefined;
  const counts = strips.segments.map(([, , count]) => count);
  const inStrips = layersOf(debugInfo).filter(({ index, op }) =>
    op !== 'copy' && strips.segments.some(([first, end]) => index >= first && index < end)
  );
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const range = least === most ? String(most) : `${least} to ${most}`;
  return `${plural(inStrips.length, 'operator')} in ${range} strips of rows; `
    + `the arena takes ${bytesText(arenaBytes)} instead of ${bytesText(strips.wholeArena)}`;
}

export function totalMacs(debugInfo: DebugInfo): number {
  return debugInfo.records.reduce((sum, record) => sum + record.macs, 0);
}

/**
 * The memory of a model and its parts. `state` is part of the arena; `overhead` is the core's own
 * tables and the rounding up to whole pages.
 */
export function memoryParts(
  { total, plan, weights, arena, scratch, state }: MemoryUse,
): MemoryUse & { overhead: number } {
  return { total, weights, arena, state, scratch, plan, overhead: total - plan - weights - arena - scratch };
}

export function memoryText(memory: MemoryUse): string {
  const { total, ...others } = memoryParts(memory);
  const shown = Object.entries(others).filter(([part, bytes]) => part !== 'state' || bytes > 0);
  const parts = shown.map(([part, bytes]) => `${part} ${bytesText(bytes)}${part === 'state' ? ' of it' : ''}`);
  const pages = plural(total / PAGE, 'page');
  return `${bytesText(total)} at all times (${total} bytes, ${pages} of 64 KiB)\n${parts.join(', ')}`;
}

export function preprocessingText(preprocessing: Preprocessing): string {
  if (preprocessing.kind === 'audio') return audioText(preprocessing);
  const { channels, scale, offset, invert, order, fit, resize, method = 'bilinear' } = preprocessing;
  const others = [invert && 'inverted', order === 'bgr' && 'BGR', fit !== 'stretch' && fit,
    resize && `${method} of ${resize}`].filter((text) => typeof text === 'string').map((text) => `, ${text}`).join('');
  return `${plural(channels, 'channel')}${others}, bytes × ${numbersText(scale)} + ${numbersText(offset)}`;
}

function numbersText(value: number | number[]): string {
  return Array.isArray(value) ? `[${value.map(floatText).join(', ')}]` : floatText(value);
}

function audioText(
  { sampleRate, frameLength, hop, frames, mel, power, compression, mfcc }: AudioPreprocessing,
): string {
  const level = compression?.kind === 'log'
    ? { natural: 'ln', log10: 'log10', decibel: 'dB' }[compression.unit]
    : compression && 'PCEN';
  const parts = [frames ? "Kaldi's frames" : null, power === 1 ? 'magnitudes' : 'powers',
    mel && `${plural(mel.bands, 'mel band')} of ${mel.low} to ${mel.high} Hz`, level, mfcc && `${mfcc.count} MFCC`];
  return `${sampleRate} Hz, ${frameLength} samples every ${hop}, ${parts.filter((part) => part !== null).join(', ')}`;
}

/** Number of golden cases in the file. */
export function goldenCases({ golden, meta }: KletParts): number {
  // bytes per element in the arena, which stores int64 as int32
  const inside = { float32: 4, int8: 1, uint8: 1, int16: 2, int32: 4, int64: 4, bool: 1 };
  const bytes = [...meta.inputs, ...meta.outputs].reduce(
    (sum, { dtype, shape }) => sum + shape.reduce((a, b) => a * b, inside[dtype]),
    0,
  );
  return golden && bytes > 0 ? Math.floor(golden.length / bytes) : 0;
}

/** An object of the free-form META section, one property per line. */
export function recordText(record: Record<string, unknown> | undefined): string | undefined {
  const entries = Object.entries(record ?? {});
  if (entries.length === 0) return undefined;
  const texts = entries.map((
    [name, value],
  ) => [name, inline(typeof value === 'string' ? value : JSON.stringify(value))]);
  return facts(Object.fromEntries(texts) as Record<string, string>).trimEnd();
}
