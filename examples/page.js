// Shared by the demo pages: errors, rows of scores, announcements and units.

const SETTLED = 500; // milliseconds that a text must stay unchanged before screen readers announce it

export const $ = (id) => document.getElementById(id);

/** Starts a page, and shows the error if that fails. */
export async function startPage(start) {
  try {
    await start();
    document.querySelector('main').classList.add('loaded');
  } catch (error) {
    showError(error);
  }
}

export function showError(error) {
  $('trouble').textContent = error.message;
  $('trouble').classList.add('now');
}

export function hideError() {
  $('trouble').classList.remove('now');
}

/** Adds a row to the list of scores for each label. */
export function makeRows(labels) {
  return labels.map((label) => {
    const row = document.createElement('li');
    const name = document.createElement('span');
    const bar = document.createElement('i');
    const percent = document.createElement('span');
    name.textContent = name.title = label;
    percent.textContent = '–';
    row.append(name, bar, percent);
    $('bars').append(row);
    return { row, percent };
  });
}

/**
 * Shows scores, 0..1.
 *
 * @param {ArrayLike<number> | undefined} scores undefined empties the rows
 * @param {number | undefined} best the row to highlight
 */
export function showRows(rows, scores, best) {
  rows.forEach(({ row, percent: figure }, i) => {
    row.style.setProperty('--share', scores ? Math.max(0, Math.min(1, scores[i])) : 0);
    row.classList.toggle('best', i === best);
    figure.textContent = scores ? percent(scores[i]) : '–';
  });
}

let announcing;

/** Announces a text to screen readers once it has not changed for a while. */
export function announce(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    $('spoken').textContent = text;
  }, SETTLED);
}

export function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}

/** Two digits at least, such as "0.0056 ms" and "137 ms". */
export function time(milliseconds) {
  return `${milliseconds < 10 ? milliseconds.toPrecision(2) : milliseconds.toFixed(0)} ms`;
}

export function size(bytes) {
  return `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0)} KiB`;
}
