import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compile, readKlet } from '../../../src/compiler/index';
import { SECTION_DEBUG, SECTION_GOLDEN, SECTION_META } from '../../../src/format/klet';
import { RECORD_SIZE } from '../../../assembly/layout';
import { Random } from '../../helpers/random';
import { randomGraph } from '../../helpers/randomGraph';
import { sampleFile } from '../../robustness/sample';
import { reseal, sectionsOf, viewOf, withSection } from '../../robustness/seal';
import { toneDetector } from '../../audio/networks';
import { signed } from '../../robustness/calls';
import { changeByte, changeBytes, changeJson, changeWord } from '../changes';
import { judgeModel } from '../models';
import { attempt } from '../oracles';
import type { Case, Target } from '../target';

const root = path.resolve(import.meta.dirname, '../../..');
const models = ['digits/digits', 'digits/digits-pruned', 'digits/digits-4bit', 'gestures/gestures',
  'gestures/gestures-small', 'spoken-digits/spoken-digits-pruned'];

function seeds(): Uint8Array[] {
  const random = new Random(11);
  const made = (['int8', 'uint8', 'float32'] as const).map((type) =>
    compile(randomGraph(random, 8, type), { compact: type === 'uint8' })
  );
  return [sampleFile(), sampleFile('compact'), sampleFile('nibbles'), toneDetector(), signed, ...made,
    ...models.map((name) => new Uint8Array(readFileSync(path.join(root, `models/${name}.klet`))))];
}

/** Bytes at the start of coded and packed sections, where their header fields are. */
const HEADER_BYTES = 120;

function make(random: Random, pick: () => Uint8Array): Case {
  const base = pick();
  let bytes: Uint8Array = base.slice();
  for (let n = random.pick([1, 1, 1, 2, 3]); n > 0; n--) bytes = change(random, bytes);
  return { base, bytes: random.next() < 0.97 ? reseal(bytes) : bytes };
}

function change(random: Random, file: Uint8Array): Uint8Array {
  const sections = sections0(file);
  const table = 32 + 16 * sections.length;
  if (sections.length === 0 || file.length < table) return changeBytes(random, file);
  const section = random.pick(sections);
  const { kind, offset } = section;
  const length = Math.max(0, Math.min(section.length, file.length - offset));
  const part = random.next() < 0.4 ? Math.min(length, HEADER_BYTES) : length;
  const isText = kind === SECTION_META || kind === SECTION_DEBUG;
  switch (random.int(0, 9)) {
    case 0:
      changeWord(random, file, 0, 28);
      return file;
    case 1:
      changeWord(random, file, 32, table - 32);
      return file;
    case 2:
      return changed(random, file, kind, (body) => changeBytes(random, body));
    case 3:
      return changed(random, file, SECTION_META, (body) => changeJson(random, body));
    case 4:
      return changed(random, file, random.pick([SECTION_GOLDEN, kind]), (body) => changeBytes(random, body));
    case 5:
      // a larger arena lets more offsets pass
      for (const at of [16, 20]) viewOf(file).setUint32(at, random.pick([1 << 12, 1 << 16, 1 << 20]), true);
      return file;
    default:
      if (isText && random.next() < 0.8) return changed(random, file, kind, (body) => changeJson(random, body));
      for (let n = random.pick([1, 1, 2, 4]); n > 0; n--) {
        if (random.next() < 0.8) changeWord(random, file, offset, part);
        else changeByte(random, file, offset, part);
      }
      return file;
  }
}

/** Sections that lie within the file. */
function sections0(file: Uint8Array): ReturnType<typeof sectionsOf> {
  if (file.length < 32 || viewOf(file).getUint32(24, true) > 64) return [];
  if (file.length < 32 + 16 * viewOf(file).getUint32(24, true)) return [];
  return sectionsOf(file).filter(({ offset, length }) => offset + length <= file.length);
}

function changed(random: Random, file: Uint8Array, kind: number, by: (body: Uint8Array) => Uint8Array): Uint8Array {
  const all = sections0(file);
  const isWhole = all.length === viewOf(file).getUint32(24, true) && all.some((section) => section.kind === kind);
  return isWhole ? withSection(file, kind, by) : changeBytes(random, file);
}

/** The sections, element types and operators of a file that loads. */
function structureOf(file: Uint8Array): string {
  const { plan, meta } = readKlet(file);
  const operators = new Set<string>();
  for (let at = 0; at < plan.length; at += viewOf(plan).getUint32(at + RECORD_SIZE, true)) {
    operators.add(`${plan[at]}.${plan[at + 1]}`);
  }
  const ports = [...meta.inputs, ...meta.outputs].map(({ dtype, shape }) => `${dtype}${shape.length}`);
  return `runs ${sectionsOf(file).map(({ kind }) => kind).join()} ${ports.join()} ${[...operators].sort().join()}`;
}

export const klet: Target = {
  name: 'klet',
  about: 'whole .klet files: header, table, META, plan, coded and packed sections, golden cases, notes, signatures',
  seeds,
  make,
  mend: reseal,
  run(bytes) {
    const read = attempt(() => readKlet(bytes));
    const refusal = judgeModel(bytes);
    if (refusal) return refusal;
    return 'error' in read ? read.error : structureOf(bytes);
  },
};
