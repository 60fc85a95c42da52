import type { Session } from './client';
import { announce, bar, bytesText, card, h, table, timeText, whileDisabled } from './dom';
import type { BoardFiles, Timing, Variant } from './messages';

// What a prediction costs: on each build of the core here, by operator, and on boards.

const explained: Record<Timing['flavor'], string> = {
  relaxed: 'relaxed SIMD',
  simd: 'SIMD',
  scalar: 'no SIMD',
  js: 'JavaScript, no WebAssembly',
};

/** Most rows of the profile. */
const SHOWN = 24;

function builds(timings: readonly Timing[]): HTMLElement {
  const slowest = Math.max(...timings.map(({ ms }) => ms ?? 0));
  const rows = timings.map(({ flavor, ms, reason }) => {
    if (ms !== undefined) return bar(explained[flavor], ms / slowest, timeText(ms));
    const row = bar(explained[flavor], 0, 'not here');
    row.title = reason ?? '';
    return row;
  });
  return h('ol', { class: 'bars times', 'aria-label': 'Time of one prediction on each build' }, ...rows);
}

async function profile(session: Session, klet: Uint8Array): Promise<HTMLElement> {
  const entries = await session.call('profile', [klet]);
  const total = entries.reduce((sum, { ms }) => sum + ms, 0);
  const slowest = Math.max(...entries.map(({ ms }) => ms));
  const shown = [...entries].sort((a, b) => b.ms - a.ms).slice(0, SHOWN).sort((a, b) => a.index - b.index);
  const rows = shown.map(({ index, op, name, ms }) =>
    bar(`${index} ${op}`, ms / slowest, ms === 0 ? '–' : `${timeText(ms)}, ${Math.round((ms / total) * 100)} %`, {
      isBest: ms === slowest && name !== '',
    })
  );
  const rest = entries.length - shown.length;
  return h(
    'div',
    {},
    h('ol', { class: 'bars times', 'aria-label': 'Time of each operator' }, ...rows),
    entries.some(({ ms }) => ms === 0) ? h('p', { class: 'soft' }, '– is less than a step of the clock.') : undefined,
    rest > 0 ? h('p', { class: 'soft' }, `and ${rest} faster operators`) : undefined,
  );
}

/** @returns a section whose measurements start at the press of a button, because they take time */
export function speed(session: Session, variant: Variant): HTMLElement {
  const result = h('div', { class: 'result' });
  const button = h('button', { class: 'button', type: 'button' }, 'Measure on this device');
  const measure = async (): Promise<void> => {
    button.textContent = 'Measuring…';
    try {
      const timings = await session.call('measure', [variant.klet], (text, part = 0) => {
        button.textContent = `${text}, ${Math.round(part * 100)} %`;
      });
      result.replaceChildren(
        h('h3', {}, 'One prediction, one thread, median'),
        builds(timings),
        h('h3', {}, 'By operator'),
        await profile(session, variant.klet),
      );
      const [best] = timings.filter(({ ms }) => ms !== undefined).sort((a, b) => a.ms! - b.ms!);
      if (best) announce(`${explained[best.flavor]} takes ${timeText(best.ms!)}`);
    } catch (error) {
      result.replaceChildren(h('p', { class: 'error' }, (error as Error).message));
    }
    button.textContent = 'Measure again';
  };
  button.addEventListener('click', () => void whileDisabled([button], measure));
  return card(
    'speed',
    'Speed',
    h('p', {}, 'One prediction on each build of the core, and the time of each operator, measured in a worker.'),
    h('p', { class: 'actions' }, button),
    result,
  );
}

interface Board {
  name: string;
  flash: number;
  ram: number;
}

/** From the makers' data sheets: flash as sold on the usual board, and all of the RAM. */
const boards: Board[] = [{ name: 'STM32F411, Cortex-M4', flash: 512 * 1024, ram: 128 * 1024 }, {
  name: 'nRF52840, Cortex-M4',
  flash: 1024 * 1024,
  ram: 256 * 1024,
}, { name: 'RP2040, Raspberry Pi Pico', flash: 2048 * 1024, ram: 264 * 1024 }, {
  name: 'ESP32-S3, 8 MB',
  flash: 8192 * 1024,
  ram: 512 * 1024,
}];

function share(used: number, available: number): HTMLElement {
  const part = used / available;
  const text = part > 1 ? 'does not fit' : `${part < 0.01 ? '< 1' : Math.round(part * 100)} %`;
  const track = h('span', { class: part > 1 ? 'meter full' : 'meter' }, h('i'));
  track.style.setProperty('--share', String(Math.min(1, part)));
  return h('span', { class: 'share' }, track, h('span', {}, text));
}

export function boardsView(session: Session, variant: Variant): HTMLElement {
  const section = card('boards', 'On a board', h('p', { class: 'soft' }, 'Reading the plan…'));
  session.call('toC', [variant.klet]).then(({ constantBytes, codeBytes, ram }: BoardFiles) => {
    const flash = constantBytes + codeBytes;
    const memory = ram.arena + ram.scratch;
    const rows = boards.map((board) => [board.name, share(flash, board.flash), share(memory, board.ram)]);
    section.lastElementChild!.replaceWith(
      h(
        'p',
        {},
        `As C, this version takes ${bytesText(flash)} of flash (${bytesText(constantBytes)} constants, about `
          + `${bytesText(codeBytes)} of Cortex-M4 code) and ${bytesText(memory)} of RAM for its tensors.`,
      ),
      table(['board', 'flash', 'RAM'], rows, 'Flash and RAM of boards'),
    );
  }, (error: Error) => {
    section.lastElementChild!.replaceWith(h('p', { class: 'soft lines' }, error.message));
  });
  return section;
}
