// What quantization after training costs: accuracy, networks, rungs of the quantizer, time.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine, processorText } from '../tools/machine.mjs';
import { importTypeScript } from '../tools/typescript.mjs';

const local = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Images by which the time of calibration is measured. */
const IMAGES = 200;

/** Sections by name. All but `rungs` need the optional folder of models and data. */
const sections = {
  accuracy: (m, shared) => [m.accuracyTable(shared)],
  networks: async (m, shared, wanted) => [await m.networksTable(shared, wanted)],
  rungs: (m, _, wanted) => [m.rungsTable(8, wanted), m.rungsTable(4, wanted)],
  cost: async (m, shared) => [await m.costTable(shared, IMAGES)],
};

/**
 * Prints the tables, and saves them if all were measured.
 *
 * @param {{ sections?: string, models?: string, out?: string }} options
 */
export async function benchQuantization({ sections: named, models, out }) {
  const names = named === undefined ? Object.keys(sections) : named.split(',');
  const unknown = names.find((name) => !sections[name]);
  if (unknown !== undefined) throw new Error(`no section "${unknown}"; there are ${Object.keys(sections).join(', ')}`);
  const measure = await importTypeScript(new URL('measure.ts', import.meta.url));
  const folder = local('../../../shared');
  const shared = existsSync(join(folder, 'models')) ? new measure.Shared(folder) : undefined;
  const texts = [];
  for (const name of names) {
    if (!shared && name !== 'rungs') {
      console.error(`${name}: left out, because there is no ${folder}`);
      continue;
    }
    for (const table of await sections[name](measure, shared, models)) texts.push(textOf(table));
  }
  const text = `# Quantization\n\nMeasured by \`npm run bench -- --quantization\` on ${
    processorText(describeMachine())
  }, Node ${process.versions.node}.\n\n${texts.join('\n')}`;
  console.log(text);
  const isComplete = shared && named === undefined && models === undefined;
  if (isComplete || out) writeFileSync(join(out ?? local('../results'), 'quantization.md'), text);
}

function textOf({ title, note, head, rows }) {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  return `## ${title}\n\n${note}\n\n${lines.join('\n')}\n`;
}
