// One bench run: prepares networks or layers, measures them in rounds, and writes the report.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync,
  writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { firsts, listNetworks, ratios, variants } from './networks/list.mjs';
import { speedChart } from './report/chart.mjs';
import { addRatios, summarizeRun } from './report/summary.mjs';
import { layerTable, networkTable, summaryText, turnsTable } from './report/table.mjs';
import { findKinglet, kingletColumn, peers } from './tools/columns.mjs';
import { hold } from './tools/contest.mjs';
import { describeMachine, describeVersions, processorText } from './tools/machine.mjs';
import { openRoofline } from './tools/roofline.mjs';
import { chromiumStands, nodeStands } from './tools/stands.mjs';
import { firstAnswers, takeTurns } from './tools/turns.mjs';
import { importTypeScript } from './tools/typescript.mjs';

const ROUNDS = 30;
const QUICK_ROUNDS = 5;
/**
 * Number of fresh pages or processes in which the first answer is timed; the median is reported.
 */
const STARTS = 3;
/** The same number for networks that are measured interleaved. */
const TURN_STARTS = 9;
const QUICK_TURN_STARTS = 3;
/**
 * Factor for the number of rounds of variants that share a page, because their ratio needs more
 * samples.
 */
const TURN_ROUNDS = 3;

const local = (path) => fileURLToPath(new URL(path, import.meta.url));

export async function bench(options) {
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-bench-'));
  // measure a copy of the build, so that nothing changes during the run
  cpSync(local('../dist'), join(folder, 'dist'), { recursive: true });
  const place = await (options.node ? nodeStands : chromiumStands)(folder);
  try {
    const report = await (options.kernels ? benchLayers : benchNetworks)(place, folder, options);
    console.log(options.json ? JSON.stringify(report, null, 1) : textOf(report, options));
    save(report, options);
  } finally {
    await place.close();
    rmSync(folder, { recursive: true });
  }
}

function textOf(report, { kernels }) {
  const tables = kernels ? [layerTable(report)] : [networkTable(report), turnsTable(report)];
  return ['', titleOf(report), ...tables, '', summaryText(report)].join('\n');
}

async function benchNetworks(place, folder, options) {
  const { prepare } = await importTypeScript(new URL('networks/prepare.ts', import.meta.url));
  const sources = pick(listNetworks(), ({ name }) => name, options.models, 'network');
  const networks = sources.map((source) => prepare(source, folder));
  const { columns: own, standard } = await findKinglet(place, networks.find(({ files }) => files.klet.file));
  const columns = pick([...own, ...(options.node ? [] : peers)], ({ id }) => id, options.engines, 'engine');
  const roofline = await openRoofline(place, folder);
  const measured = [];
  for (const [i, network] of networks.entries()) {
    console.error(`» ${network.name} (${i + 1} of ${networks.length})`);
    const results = await hold({ place, network, columns, ...effort(options), afterRound: roofline.measure });
    for (const column of columns) {
      if (column.library === 'kinglet' && results[column.id].memory) results[column.id].memory += coreBytes(column);
    }
    measured.push({ name: network.name, ...(network.macs && { macs: network.macs }), results });
  }
  addRatios(measured);
  const turns = await benchTurns(place, networks, columns, measured, standard, options);
  const described = columns.map((column) => describeColumn(column, measured));
  for (const { results } of measured) for (const result of Object.values(results)) delete result.served;
  return {
    ...headOf(place, options),
    columns: described,
    networks: measured,
    turns,
    roofline: await roofline.close(),
    summary: summarizeRun(measured, columns, standard),
  };
}

/** Measures variants of the same network interleaved, for each of kinglet's SIMD flavors. */
async function benchTurns(place, networks, columns, measured, standard, options) {
  const find = (name) => networks.find((network) => network.name === name);
  const { rounds } = effort(options);
  const runs = {};
  const isRight = (name, column) =>
    column && measured.some((network) => network.name === name && network.results[column.id].ms);
  for (const { id, options: { flavor, threads } } of columns) {
    if (threads > 1 || !['relaxed', 'simd'].includes(flavor)) continue;
    console.error(`» interleaved in one page: ${id}`);
    const there = Object.entries(variants).flatMap(([name, { network, engine, threads: count }]) => {
      const isMeant = ({ id: other, options }) =>
        engine ? other === engine : options.flavor === flavor && options.threads === count;
      const column = columns.find(isMeant);
      return isRight(network, column) ? [{ name, network: find(network), column }] : [];
    });
    if (there.length < 2) continue;
    const ms = await takeTurns(place, there, TURN_ROUNDS * rounds);
    const both = ratios.filter((pair) => pair.every((name) => ms[name]));
    runs[id] = { ms, ratios: Object.fromEntries(both.map(([a, b]) => [`${a} ÷ ${b}`, ms[a].median / ms[b].median])) };
  }
  const column = columns.find(({ id }) => id === standard);
  const there = Object.entries(firsts).flatMap((
    [name, { network, form }],
  ) => (isRight(network, column) ? [{ name, network: find(network), column: { ...column, form } }] : []));
  if (there.length > 0) console.error('» first answers, interleaved');
  return { runs, first: await firstAnswers(place, there, options.quick ? QUICK_TURN_STARTS : TURN_STARTS) };
}

async function benchLayers(place, folder, options) {
  const { prepareLayer, readShapes } = await importTypeScript(new URL('networks/layers.ts', import.meta.url));
  const shapes = pick(
    readdirSync(local('shapes')).map((file) => basename(file, '.txt')),
    (name) => name,
    options.models,
    'shapes file',
  );
  const layers = shapes.flatMap((name) =>
    readShapes(readFileSync(local(`shapes/${name}.txt`), 'utf8')).map((layer) => prepareLayer(layer, name, folder))
  );
  const { columns: own } = await findKinglet(place, layers[0]);
  // one thread; the slow plain flavors run only on demand
  const bare = [
    ...own.filter(({ options: { threads, flavor } }) =>
      threads === 1 && (options.engines || (flavor !== 'scalar' && flavor !== 'js'))
    ).map((column) => kingletColumn(column.options.flavor, 1, true)),
    ...(options.node ? [] : [{ ...peers[0], options: { ...peers[0].options, bare: true } }]),
  ];
  const columns = pick(bare, ({ id }) => id, options.engines, 'engine');
  const roofline = await openRoofline(place, folder);
  const measured = [];
  for (const [i, layer] of layers.entries()) {
    console.error(`» ${layer.network} ${layer.name} (${i + 1} of ${layers.length})`);
    const results = await hold({
      place,
      network: layer,
      columns,
      ...effort(options),
      starts: 1,
      afterRound: roofline.measure,
    });
    // the peak measured in the same rounds, so that a slow phase of the machine affects both
    const { dotI16: peak } = roofline.takeRecent();
    for (const result of Object.values(results)) if (result.gmacs) result.share = result.gmacs / peak;
    measured.push({ name: layer.name, network: layer.network, layer: layer.layer, macs: layer.macs, peak, results });
  }
  return {
    ...headOf(place, options),
    columns: columns.map(({ id, head }) => ({ id, head })),
    layers: measured,
    roofline: await roofline.close(),
    summary: { facts: {} },
  };
}

const effort = ({ quick, rounds }) => ({
  rounds: Number(rounds ?? (quick ? QUICK_ROUNDS : ROUNDS)),
  starts: quick ? 1 : STARTS,
});

function headOf(place, options) {
  const { rounds } = effort(options);
  return {
    date: new Date().toISOString(),
    mode: options.kernels ? 'kernels' : 'networks',
    rounds,
    machine: describeMachine(),
    versions: describeVersions(place, !options.node),
  };
}

/** The entries whose names equal or contain one of the wanted parts. */
function pick(list, nameOf, wanted, what) {
  if (wanted === undefined) return list;
  const names = list.map(nameOf);
  const fits = (name, part) => (names.includes(part) ? name === part : name.includes(part));
  const picked = list.filter((entry) => wanted.split(',').some((part) => fits(nameOf(entry), part)));
  if (picked.length === 0) throw new Error(`no ${what} matches "${wanted}"; available are ${names.join(', ')}`);
  return picked;
}

/** The report's entry for a column: its name, and the size of a page's download for it. */
function describeColumn({ id, head, options }, networks) {
  const files = new Set(networks.flatMap(({ results }) => results[id].served ?? []));
  const raw = [...files].map((file) => readFileSync(file));
  const sum = (sizes) => sizes.reduce((a, b) => a + b, 0);
  return {
    id,
    head,
    threads: options.threads,
    ...(files.size > 0 && {
      download: {
        files: [...files].map((file) => basename(file)),
        raw: sum(raw.map((bytes) => bytes.length)),
        gzip: sum(raw.map((bytes) => gzipSync(bytes, { level: 9 }).length)),
      },
    }),
  };
}

function coreBytes({ options: { flavor } }) {
  const file = local(`../dist/core.${flavor}.wasm`); // the core as a file
  return existsSync(file) ? statSync(file).size : 0;
}

function titleOf({ date, machine, versions: { kinglet, commit, engine }, rounds }) {
  const { cores, system, load } = machine;
  return [date.slice(0, 10), `kinglet ${kinglet} (${commit}) in ${engine}`,
    `${processorText(machine)}, ${cores} cores, ${system}, load ${load.toFixed(1)}`, `${rounds} rounds`].join(' · ');
}

function save(report, { out, quick, models, engines, kernels, node }) {
  const target = out ?? (quick || models || engines ? undefined : local('results'));
  if (!target) return;
  mkdirSync(target, { recursive: true });
  const file = join(
    target,
    [report.date.slice(0, 10), ...(kernels ? ['kernels'] : []), ...(node ? ['node'] : [])].join('-'),
  );
  writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 1)}\n`);
  if (!kernels && !node) writeFileSync(`${file}.svg`, speedChart(report));
  console.error(`written: ${file}.json${kernels || node ? '' : ' and .svg'}`);
}
