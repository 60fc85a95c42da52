// The networks of the bench: those in ../shared/models, if that folder exists, and the project's
// own.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FLOAT_NETWORK } from '../../models/digits/recipe/float-network.mjs';
import { loadFloatNetwork } from '../../models/training/floatNetwork.mjs';

const shared = fileURLToPath(new URL('../../../shared/models/', import.meta.url));
const bytesOf = (file) => new Uint8Array(readFileSync(file));

/** Networks of the geometric mean: int8 and uint8 networks that XNNPACK runs. */
export const headline = ['ad01_int8', 'kws_dscnn_int8', 'vww_int8', 'ic_resnet8_int8', 'person_detect_int8',
  'mobilenet_v1_025_128_uint8', 'mobilenet_v2_100_224_uint8'];

/** A network, and the same network with 80 % of its pointwise weights pruned. */
export const densePruned = { dense: 'mobilenet_v2_100_224_uint8', pruned: 'mobilenet_v2_100_224_uint8_pruned80' };

/** Variants that take turns in one page, and the ratios of their times to report. */
export const variants = {
  dense: { network: densePruned.dense, threads: 1 },
  pruned: { network: densePruned.pruned, threads: 1 },
  'dense on two threads': { network: densePruned.dense, threads: 2 },
  'dense on XNNPACK': { network: densePruned.dense, engine: 'xnnpack' },
};
export const ratios = [['pruned', 'dense'], ['dense on XNNPACK', 'dense'], ['dense on XNNPACK', 'pruned'], ['dense',
  'dense on two threads']];

/** Networks and forms whose first answers are timed in alternation. */
export const firsts = {
  'keyword spotting': { network: 'kws_dscnn_int8', form: 'klet' },
  'mobilenet_v2': { network: densePruned.dense, form: 'klet' },
  'mobilenet_v2, compact': { network: densePruned.dense, form: 'compact' },
  'mobilenet_v2 pruned to 80 %': { network: densePruned.pruned, form: 'klet' },
  'mobilenet_v2 pruned to 80 %, compact': { network: densePruned.pruned, form: 'compact' },
};

/** @returns {import('./prepare').Source[]} headline networks first, then by name */
export function listNetworks() {
  const names = existsSync(shared)
    ? readdirSync(shared).filter((name) => name.endsWith('.tflite')).map((name) => name.slice(0, -'.tflite'.length))
    : [];
  // a float32 and an int8 network of the same name are twins
  const stem = (name) => name.replace(/_(u?int8|f32)$/, '');
  const rank = (name) => (headline.includes(name) ? headline.indexOf(name) : headline.length);
  const found = names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).map((name) => {
    const twin = names.find((other) => other !== name && stem(other) === stem(name));
    return {
      name,
      tflite: bytesOf(`${shared}${name}.tflite`),
      ...(twin && { twin: bytesOf(`${shared}${twin}.tflite`) }),
    };
  });
  // prune the smallest weights of pointwise layers, except for the classifier, which has one row;
  // every engine gets the same zeros
  const dense = found.find(({ name }) => name === densePruned.dense);
  if (dense) dense.compact = true;
  const pruned = dense
    ? [{
      name: densePruned.pruned,
      tflite: dense.tflite,
      prune: { sparsity: 0.8, pattern: 'pairs', keepRows: true },
      compact: true,
    }]
    : [];
  return [...found, ...pruned, {
    name: 'digits',
    klet: bytesOf(fileURLToPath(new URL('../../models/digits/digits.klet', import.meta.url))),
    twin: loadFloatNetwork(FLOAT_NETWORK),
  }];
}
