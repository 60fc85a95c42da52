// The table of a run: one block of lines per network, one column per engine.
import Table from 'cli-table3';
import { processorText } from '../tools/machine.mjs';
import { bold, digits, percent, plainTable } from './text.mjs';

const right = (text) => ({ content: text, hAlign: 'right' });

const LONGEST_REASON = 150;

/** The lines of a block: title and formatter. */
const lines = Object.entries({
  'median ms': ({ ms }) => digits(ms.median),
  'min ms': ({ ms }) => digits(ms.min),
  spread: ({ ms }) => (ms.spread < 10 ? percent(ms.spread) : '> 999 %'),
  'GMAC/s': ({ gmacs }) => (gmacs ? digits(gmacs) : ''),
  '× XNNPACK': ({ ratio }) => (ratio ? digits(ratio) : ''),
  'first ms': ({ firstMs }) => digits(firstMs.median),
  'memory MB': ({ memory }) => (memory ? digits(memory / 1e6) : ''),
});

const legend = `\
median, min, spread (between the quartiles): of one prediction, with copies of inputs and outputs
× XNNPACK: time of XNNPACK on one thread ÷ this time
first: from the network's bytes in memory to the first answer in a fresh page; wasm files come from this machine
memory: kinglet: the model's memory and the core; others: all WebAssembly memories of the page
ORT: onnxruntime-web; tfjs: its WebAssembly backend; both run the float32 form of every network`;

/**
 * @param {object} report as bench.mjs writes it
 * @returns {string}
 */
export function networkTable({ columns, networks, summary }) {
  const table = new Table({
    ...plainTable,
    head: ['network', '', ...columns.map(({ head }) => right(head.join('\n')))],
  });
  const reasons = new Map();
  const noteOf = (reason) => {
    if (!reasons.has(reason)) reasons.set(reason, `[${reasons.size + 1}]`);
    return reasons.get(reason);
  };
  const said = lines.filter(([, show]) =>
    networks.some(({ results }) => Object.values(results).some((result) => result.ms && show(result)))
  );
  for (const { name, macs, results } of networks) {
    const fastest = Math.min(...columns.flatMap(({ id }) => results[id].ms?.median ?? []));
    const cell = (result) => {
      if (result.refusal) return noteOf(result.refusal);
      const rows = said.map(([, show]) => show(result));
      return [result.ms.median === fastest ? bold(rows[0]) : rows[0], ...rows.slice(1)].join('\n');
    };
    table.push([`${name}\n${macs ? `${digits(macs / 1e6)} MMAC` : ''}`, said.map(([title]) => title).join('\n'),
      ...columns.map(({ id }) => right(cell(results[id])))]);
  }
  const { geometricMean: mean, worst, of } = summary.speed;
  if (of.length > 0) {
    const show = (values, id) => (values[id] ? digits(values[id]) : '');
    table.push([`int8 networks (${of.length})`, 'geo. mean ×\nworst ×', ...columns.map(({ id }) =>
      right(`${show(mean, id)}\n${show(worst, id)}`)
    )]);
  }
  const kilobytes = (bytes) => (bytes / 1000).toFixed(0);
  if (columns.some(({ download }) => download)) {
    table.push(['download: JS and wasm', 'kB gzipped\nkB raw', ...columns.map(({ download }) =>
      right(download ? `${kilobytes(download.gzip)}\n${kilobytes(download.raw)}` : '')
    )]);
  }
  const shortened = (text) => (text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text);
  const footnotes = [...reasons].map(([reason, mark]) => `${mark} ${shortened(reason)}`);
  return [table.toString(), ...footnotes, legend].join('\n');
}

/** @returns {string} a network and its variants, one column per flavor, and the first answers */
export function turnsTable({ columns, turns: { runs, first } }) {
  const shown = columns.filter(({ id }) => runs[id]);
  const tables = [];
  if (shown.length > 0) {
    const table = new Table({
      ...plainTable,
      head: ['mobilenet_v2 and its variants, interleaved in one page', ...shown.map(({ head }) =>
        right(head.join('\n'))
      )],
    });
    const { ms, ratios } = runs[shown[0].id];
    const show = (value) => right(value ? digits(value) : '');
    for (const name of Object.keys(ms)) {
      table.push([`${name}, median ms`, ...shown.map(({ id }) => show(runs[id].ms[name]?.median))]);
    }
    for (const name of Object.keys(ratios)) table.push([name, ...shown.map(({ id }) => show(runs[id].ratios[name]))]);
    tables.push(table);
  }
  if (Object.keys(first).length > 0) {
    const table = new Table({
      ...plainTable,
      head: ['first answers in fresh pages, interleaved', right('median ms'), right('min ms')],
    });
    for (const [name, { median, min }] of Object.entries(first)) {
      table.push([name, right(digits(median)), right(digits(min))]);
    }
    tables.push(table);
  }
  return tables.map(String).join('\n');
}

/** Peak rates of the machine and the figures of the project's goals, with the processor's class. */
export function summaryText({ machine, roofline, summary }) {
  const peaks = Object.values(roofline).map(({ what, median, max }) =>
    `  ${what.padEnd(52)} ${digits(median).padStart(6)} (best ${digits(max)})`
  );
  const facts = Object.entries(summary.facts).map(([what, value]) =>
    `  ${what.padEnd(52)} ${digits(value).padStart(6)}`
  );
  const processor = processorText(machine);
  return [`peak rates in WebAssembly on ${processor}, one thread, GMAC/s (clock: GHz):`, ...peaks,
    ...(facts.length > 0 ? ['', `figures on ${processor}; load() picks ${summary.standard}:`, ...facts] : [])]
    .join('\n');
}

/** One line per layer. */
export function layerTable({ columns, layers }) {
  const table = new Table({
    ...plainTable,
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    head: ['network', 'layer', right('MMAC'),
      ...columns.flatMap(({ head }) => [right(`${head.join(' ')}\nµs`), right('GMAC/s\n'), right('of peak\n')])],
  });
  let previous = '';
  for (const { name, network, macs, results } of layers) {
    const cells = columns.flatMap(({ id }) => {
      const { ms, gmacs, share, refusal } = results[id];
      return refusal
        ? ['', '', right('–')]
        : [right(digits(ms.median * 1000)), right(digits(gmacs)), right(percent(share))];
    });
    table.push([network === previous ? '' : network, name.replaceAll('-', ' '), right(digits(macs / 1e6)), ...cells]);
    previous = network;
  }
  const reasons =
    new Set(layers.flatMap(({ name, results }) =>
      columns.flatMap(({ id }) => (results[id].refusal ? [`${name}, ${id}: ${results[id].refusal}`] : []))
    ));
  return [table.toString(), ...reasons,
    'of peak: share of the rate of i32x4.dot_i16x8_s + add, measured in the same rounds'].join('\n');
}
