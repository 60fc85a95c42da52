// Images and bars in a terminal: half blocks in 24 grays if it supports them, otherwise ASCII.

const { env, stdout, platform } = process;

const utf8 = /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '') || platform === 'darwin' ||
  Boolean(env.WT_SESSION);
const colour = env.FORCE_COLOR
  ? env.FORCE_COLOR !== '0'
  : Boolean(stdout.isTTY) && !env.NO_COLOR && env.TERM !== 'dumb';

/** Whether to use half blocks and colours. */
export const rich = utf8 && colour;

/** Characters per line. */
export const columns = stdout.columns || 80;

const paint = (code) => (text) => (rich ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint('1');
export const dim = paint('2');
export const gold = paint('1;38;5;220');

const SHADES = ' .:-=+*#%@';

/**
 * Draws gray values, two rows to a line.
 *
 * @param {ArrayLike<number>} image [side][side], 0..1
 * @param {number} margin pixels to skip on every side
 * @returns {string[]} lines of side - 2 · margin characters
 */
export function drawImage(image, side, margin) {
  const lines = [];
  for (let y = margin; y < side - margin; y += 2) {
    let line = '';
    for (let x = margin; x < side - margin; x++) {
      const upper = image[y * side + x];
      const lower = image[(y + 1) * side + x] ?? 0;
      line += rich
        ? `\x1b[38;5;${gray(upper)};48;5;${gray(lower)}m▀`
        : SHADES[Math.round(((upper + lower) / 2) * (SHADES.length - 1))];
    }
    lines.push(rich ? `${line}\x1b[0m` : line);
  }
  return lines;
}

/** 232..255 are grays from black to white. */
function gray(value) {
  return 232 + Math.round(value * 23);
}

/** A bar for a share, 0..1, padded to `width` characters. */
export function drawBar(share, width) {
  const eighths = Math.round(share * width * 8);
  const full = eighths >> 3;
  if (!rich) return '#'.repeat(Math.round(share * width)).padEnd(width);
  return ('█'.repeat(full) + (eighths & 7 ? ' ▏▎▍▌▋▊▉'[eighths & 7] : '')).padEnd(width);
}

/** Places blocks side by side. The lines of each block have equal lengths. */
export function beside(blocks, gap = 2) {
  const height = Math.max(...blocks.map((lines) => lines.length));
  return Array.from(
    { length: height },
    (_, i) => blocks.map((lines) => lines[i] ?? '').join(' '.repeat(gap)).trimEnd(),
  );
}
