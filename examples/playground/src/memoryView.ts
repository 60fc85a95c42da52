import { bytesText, h, s, shortName } from './dom';
import type { Variant } from './messages';

// The arena over time: records run to the right, addresses grow downwards.

const WIDTH = 1000;
const HEIGHT = 260;
/** Names are written into boxes that are at least so large. */
const ROOM = { width: 110, height: 20 };

export function memoryView({ arena, arenaBytes, records }: Variant): HTMLElement {
  if (arena.length === 0 || arenaBytes === 0) {
    return h('p', { class: 'soft' }, 'The file has no plan of its memory to draw.');
  }
  const moments = records + 2;
  const column = WIDTH / moments;
  const boxes = arena.map(([name, offset, bytes, first, last], i) => {
    const x = Math.max(0, first + 1) * column;
    const width = (Math.min(moments - 1, last + 1) - Math.max(0, first + 1) + 1) * column;
    const y = (offset / arenaBytes) * HEIGHT;
    const height = (bytes / arenaBytes) * HEIGHT;
    const isLabelled = width >= ROOM.width && height >= ROOM.height;
    const letters = Math.floor((width - 12) / 7.8);
    return s(
      'g',
      { class: `buffer tone${i % 4}` },
      s('title', {}, `${name}: ${bytesText(bytes)} at ${offset}, records ${first} to ${last}`),
      s('rect', { x, y, width: Math.max(1, width - 1), height: Math.max(1, height - 1), rx: 3 }),
      isLabelled ? s('text', { x: x + 6, y: y + 15 }, shortName(name).slice(0, letters)) : undefined,
    );
  });
  const label = `${arena.length} buffers in an arena of ${bytesText(arenaBytes)}`;
  const svg = s('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label }, ...boxes);
  return h(
    'figure',
    { class: 'memory' },
    svg,
    h(
      'figcaption',
      {},
      `${bytesText(arenaBytes)} for ${arena.length} buffers. Time runs to the right, addresses grow downwards.`,
    ),
  );
}
