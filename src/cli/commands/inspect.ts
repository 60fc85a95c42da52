import { Command, Option } from 'commander';
import { toC, toScript, type CProgram, type DebugInfo, type KletParts, type Script } from '../../compiler/index';
import { layersOf } from '../../format/debugInfo';
import { sectionSizes, weightsBytes } from '../../format/klet';
import { signaturesOf } from '../../format/signature';
import { KletError, loadSync, type Model } from '../../index';
import { limitsIn } from '../args';
import { goldenCases, memoryParts, memoryText, operatorCounts, portsTable, preprocessingText, recordText, stripsText,
  totalMacs } from '../describe';
import { drawMemory } from '../drawMemory';
import { pathText } from '../files';
import type { Io } from '../io';
import { addImportOptions, FORMATS, openNetwork, readingOf, type ForeignOptions, type Network } from '../network';
import { countOf } from '../tensors';
import { bytesText, clip, countText, facts, inline, jsonOf, messageText, percentText, plural, shapeText, shortName,
  table } from '../text';

interface InspectOptions extends ForeignOptions {
  memory?: boolean;
  json?: boolean;
  check?: boolean;
  names?: boolean;
  target?: Target;
}

/** What a model takes. */
type Cost = Pick<Model, 'memory' | 'work'>;

/** Forms other than WebAssembly that a network can have. */
const targets = ['c', 'js'] as const;
type Target = (typeof targets)[number];

const HELP = `
Examples:
  $ kinglet inspect mobilenet.klet
  $ kinglet inspect mobilenet.klet --memory
  $ kinglet inspect unknown.onnx --check && echo convertible
  $ kinglet inspect mobilenet.klet --target c
  $ kinglet inspect gestures.klet --target js
  $ kinglet inspect mobilenet.klet --json | jq .memory.total`;

const DESCRIPTION = 'Shows the inputs, outputs, operators, weights, MACs and exact memory of a .klet file, or of the '
  + `.klet file that a network of ${FORMATS} converts to.`;

export function inspectCommand(io: Io, exit: (code: number) => void): Command {
  const command = new Command('inspect').summary('show tensors, operators and memory of a network');
  command.description(DESCRIPTION);
  command.argument('<file>', 'a .klet file or another network, or - for standard input');
  command.option('--memory', 'draw the arena over time: where each buffer is, record by record');
  command.option(
    '--check',
    'only check whether a network converts, and list every unsupported operator; exit code 1 if it does not',
  );
  command
    .addOption(new Option(
      '--target <form>',
      'show the memory of the network in another form: c, for boards without JavaScript; js, as a script',
    ).choices(targets));
  addImportOptions(command);
  command.option('--names', 'show the names of operators in full, not cut to the width of the terminal');
  command.option('--json', 'print everything as JSON');
  command.addHelpText('after', HELP);
  return command.action((file: string, options: InspectOptions) => {
    if (options.check) return exit(check(file, options, io));
    io.out(inspect(openNetwork(file, io, readingOf(options)), options, io.columns));
  });
}

function inspect(network: Network, options: InspectOptions, columns: number): string {
  const model = loadSync(network.klet, limitsIn(options));
  const { memory, work } = model;
  model.dispose();
  const program = options.target === 'c' ? toC(network.klet) : undefined;
  const script = options.target === 'js' ? toScript(network.klet) : undefined;
  if (options.json) return jsonOf(toJson(network, { memory, work }, program, script));
  if (program) return describeC(network, program);
  if (script) return describeScript(network, script);
  const { debugInfo, arenaBytes } = network.parts;
  if (!options.memory) return describe(network, { memory, work }, options.names ? undefined : columns);
  if (!debugInfo) {
    throw new KletError(
      'BAD_ARGUMENT',
      `"${network.path}" was converted with --strip, so it does not list its buffers; convert it without --strip`,
    );
  }
  const head = facts({ network: inline(network.parts.meta.name), memory: memoryText(memory) });
  return `${head}\n${drawMemory(debugInfo, arenaBytes, columns)}`;
}

function describe(
  { path, format, fileBytes, klet, parts }: Network,
  { memory, work }: Cost,
  columns: number | undefined,
): string {
  const { meta, debugInfo } = parts;
  const cases = goldenCases(parts);
  const { labels } = meta;
  const asKlet = format === 'klet' ? '' : `; as .klet ${bytesText(klet.length)}`;
  const { preprocessing } = meta;
  const head = facts({
    file: `${pathText(path, 'standard input')}, ${bytesText(fileBytes)}${asKlet}`,
    network: inline(meta.name),
    labels: labels && labelsText(labels),
    [preprocessing?.kind === 'audio' ? 'audio' : 'images']: preprocessing && preprocessingText(preprocessing),
    task: meta.task?.kind,
    'made by': recordText(meta.provenance),
    accuracy: recordText(meta.accuracy),
    signed: signatureText(klet),
    golden: cases > 0 ? plural(cases, 'case') : undefined,
  });
  const totals = facts({
    operators: debugInfo && `${layersOf(debugInfo).length}: ${operatorCounts(debugInfo)}`,
    strips: debugInfo && stripsText(debugInfo, parts.arenaBytes),
    weights: weightsText(parts, klet),
    pruned: debugInfo && prunedText(debugInfo),
    sections: sectionSizes(klet).map(([name, bytes]) => `${name} ${bytesText(bytes)}`).join(' · '),
    MACs: debugInfo && `${countText(totalMacs(debugInfo))} a prediction`,
    work: `${countText(work)} multiply-adds a prediction, with padding and all other operations`,
    memory: memoryText(memory),
  });
  const operators = debugInfo
    ? operatorsTable(debugInfo, columns)
    : 'the file was converted with --strip, so it does not name its operators\n';
  return [head, portsTable(meta.inputs, meta.outputs), operators, totals].join('\n');
}

/** The memory of the network as C. Code is an estimate; all other sizes are exact. */
function describeC({ path, parts: { meta, debugInfo } }: Network, { ram, ...program }: CProgram): string {
  const state = meta.state?.bytes ?? 0;
  const stateText = state > 0 ? `, state ${bytesText(state)} of it` : '';
  return facts({
    file: pathText(path, 'standard input'),
    network: inline(meta.name),
    target: 'C99, one .c and one .h file (kinglet convert --c)',
    flash:
      `${bytesText(program.constantBytes + program.codeBytes)} (${program.constantBytes + program.codeBytes} bytes)\n`
      + `constants ${bytesText(program.constantBytes)}, code about ${bytesText(program.codeBytes)} `
      + '(gcc -Os for Cortex-M4 with FPU; other processors need more or less)',
    RAM: `${bytesText(ram.arena + ram.scratch)} (${ram.arena + ram.scratch} bytes)\n`
      + `arena ${bytesText(ram.arena)}${stateText}, scratch ${bytesText(ram.scratch)}; the stack comes on top`,
    MACs: debugInfo && `${countText(totalMacs(debugInfo))} a prediction`,
  });
}

/** The sizes of the network as a script. Engines need more memory for the compiled code. */
function describeScript(
  { path, parts: { meta, debugInfo } }: Network,
  { codeBytes, dataBytes, arenaBytes }: Script,
): string {
  const state = meta.state?.bytes ?? 0;
  const stateText = state > 0 ? `, state ${bytesText(state)} of it` : '';
  return facts({
    file: pathText(path, 'standard input'),
    network: inline(meta.name),
    target: 'a script of ECMAScript 5 (kinglet convert --script)',
    code: `${bytesText(codeBytes)} (${codeBytes} bytes)`,
    data: `${bytesText(dataBytes)} (${dataBytes} bytes) of plan and weights\n`
      + 'in RAM if they are inside the script, otherwise in flash',
    RAM: `arena ${bytesText(arenaBytes)}${stateText}; what the engine makes of the code comes on top`,
    MACs: debugInfo && `${countText(totalMacs(debugInfo))} a prediction`,
  });
}

/** `kinglet verify` checks signatures; this only names their keys. */
function signatureText(klet: Uint8Array): string | undefined {
  const ids = signaturesOf(klet).map(({ keyId }) => keyId);
  return ids.length > 0 ? `with the key ${ids.join(', ')} (not checked)` : undefined;
}

function labelsText(labels: readonly string[]): string {
  const first = labels.slice(0, 3).map((label) => clip(label, 24)).join(' · ');
  return `${labels.length}: ${first}${labels.length > 3 ? ' · …' : ''}`;
}

function weightsText(parts: KletParts, klet: Uint8Array): string {
  const bytes = weightsBytes(parts);
  const { CODED, NIBBLES } = Object.fromEntries(sectionSizes(klet));
  if (CODED) {
    return `${bytesText(bytes)}, entropy-coded in ${bytesText(CODED)}: ${(8 * CODED / bytes).toFixed(2)} bits per byte`;
  }
  return NIBBLES ? `${bytesText(bytes)}, in ${bytesText(NIBBLES)} with 4 bits for small numbers` : bytesText(bytes);
}

/**
 * The remaining weights of the layers that run on lists, and their size before entropy coding. The
 * MACs of a record count all its weights at every output position, hence the division.
 */
function prunedText(debugInfo: DebugInfo): string | undefined {
  const listed = layersOf(debugInfo).filter(({ layout, op }) =>
    layout && layout !== 'nibbles' && op !== 'transposeConv2d'
  );
  if (listed.length === 0) return undefined;
  const counts = listed.map(({ macs, shape }) => macs * shape.at(-1) / countOf(shape));
  const all = sum(counts);
  const bytes = sum(listed.map(({ weights }) => weights));
  const left = percentText(sum(counts.map((count, i) => count * listed[i]!.density!)), all);
  const weights = `${plural(listed.length, 'layer')} with ${left} of ${countText(all)} weights left`;
  return `${weights}, ${bytesText(bytes)} with biases and scales: ${(8 * bytes / all).toFixed(2)} bits per weight`;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** @param columns width of the terminal; without it, names are shown in full */
function operatorsTable(debugInfo: DebugInfo, columns: number | undefined): string {
  const layers = layersOf(debugInfo);
  const operators = layers.map(({ op, layout, density }) => {
    if (layout === 'nibbles') return `${op}, 4 bits`;
    return layout === undefined ? op : `${op}, ${percentText(density ?? 0, 1)} in ${layout}`;
  });
  const macs = totalMacs(debugInfo);
  const shapes = layers.map(({ shape }) => shapeText(shape));
  const widest = (texts: string[]): number => Math.max(0, ...texts.map((text) => text.length));
  const right = 'right' as const;
  const others = 4 + widest(operators) + widest(shapes) + 34;
  const room = columns === undefined ? undefined : Math.max(20, columns - others);
  return table(
    [{ head: '#', align: right }, { head: 'name' }, { head: 'operator' }, { head: 'output' },
      ...['MACs', '% MACs', 'weights'].map((head) => ({ head, align: right }))],
    layers.map(({ index, name, macs: own, weights }, i) => {
      const shares = own ? [countText(own), percentText(own, macs)] : ['', ''];
      return [String(index), room === undefined ? name : shortName(name, room), operators[i]!, shapes[i]!, ...shares,
        weights ? bytesText(weights) : ''];
    }),
  );
}

function toJson(
  { path, format, fileBytes, klet, parts }: Network,
  { memory, work }: Cost,
  program: CProgram | undefined,
  script: Script | undefined,
): unknown {
  const { meta, debugInfo } = parts;
  const { inputs, outputs, ...about } = meta;
  return {
    file: path,
    format,
    bytes: fileBytes,
    kletBytes: klet.length,
    ...about,
    inputs,
    outputs,
    ...(debugInfo &&
      { operators: debugInfo.records.map((record, index) => ({ index, ...record })), macs: totalMacs(debugInfo) }),
    ...(debugInfo?.strips && { strips: debugInfo.strips }),
    weights: weightsBytes(parts),
    sections: Object.fromEntries(sectionSizes(klet)),
    memory: memoryParts(memory),
    work,
    ...(script && { js: { code: script.codeBytes, data: script.dataBytes, arena: script.arenaBytes } }),
    ...(program && { c: { constants: program.constantBytes, code: program.codeBytes, ...program.ram } }),
    ...(debugInfo &&
      { arena: debugInfo.arena.map(([name, offset, bytes, first, last]) => ({ name, offset, bytes, first, last })) }),
    goldenCases: goldenCases(parts),
  };
}

/** @returns the exit code: 0 if the file converts (or is a valid .klet file), otherwise 1 */
function check(path: string, options: InspectOptions, io: Io): number {
  const name = pathText(path, 'standard input');
  try {
    const network = openNetwork(path, io, readingOf(options));
    const model = loadSync(network.klet, limitsIn(options));
    const cases = model.selfTest();
    const { memory } = model;
    model.dispose();
    if (options.json) {
      const { format, klet } = network;
      const answer = { file: path, format, convertible: true, kletBytes: klet.length, memory: memoryParts(memory) };
      io.out(jsonOf(answer));
    } else if (network.format === 'klet') {
      const reproduced = cases > 0 ? ` and reproduces its ${plural(cases, 'golden case')}` : '';
      io.out(`${name} is a valid .klet file${reproduced}\n`);
    } else {
      const sizes = `${bytesText(network.fileBytes)} become ${bytesText(network.klet.length)}`;
      io.out(`${name} converts: ${sizes}, and it needs ${bytesText(memory.total)} of memory to run\n`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof KletError) || error.code === 'FETCH_FAILED') throw error;
    const [message, ...problems] = messageText(error.message).split('\n').map((line) => line.trim());
    if (options.json) {
      io.out(jsonOf({ file: path, convertible: false, code: error.code, message, problems }));
    } else io.out(`${name} does not convert (${error.code})\n${messageText(error.message)}\n`);
    return 1;
  }
}
