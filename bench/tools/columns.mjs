// The columns of the bench: engines with their options, the form of the network and the element
// type.

/**
 * @typedef {object} Column
 * @property {string} id
 * @property {[string, string]} head two lines of the table's head
 * @property {string} engine key of `engines` in stand/stand.ts
 * @property {{ flavor?: string, threads: number, bare?: boolean }} options
 * @property {'kinglet' | 'peers'} library
 * @property {import('../networks/prepare').Form} form
 * @property {boolean} float whether the column runs every network in float32
 */

const flavors = ['relaxed', 'simd', 'scalar', 'js'];
const threadCounts = [1, 2];

const idOf = (engine, flavor, threads) =>
  [engine, ...(flavor ? [flavor] : []), ...(threads > 1 ? [threads] : [])].join('-');
const threadsText = (threads) => (threads === 1 ? '1 thread' : `${threads} threads`);

/** @type {Column[]} */
export const peers = [
  ...threadCounts.map((threads) => ({
    id: idOf('xnnpack', '', threads),
    head: ['XNNPACK', threadsText(threads)],
    engine: 'xnnpack',
    options: { threads },
    library: 'peers',
    form: 'tflite',
    float: false,
  })),
  {
    id: 'litert',
    head: ['LiteRT.js', threadsText(1)],
    engine: 'litert',
    options: { threads: 1 },
    library: 'peers',
    form: 'tflite',
    float: false,
  },
  {
    id: 'onnxruntime',
    head: ['ORT', 'f32'],
    engine: 'onnxruntime',
    options: { threads: 1 },
    library: 'peers',
    form: 'onnx',
    float: true,
  },
  {
    id: 'tfjs',
    head: ['tfjs', 'f32'],
    engine: 'tfjs',
    options: { threads: 1 },
    library: 'peers',
    form: 'graph',
    float: true,
  },
];

/** One of kinglet's columns; `bare` measures the core without the runtime. */
export function kingletColumn(flavor, threads, bare = false) {
  const options = { flavor, threads, ...(bare && { bare }) };
  return {
    id: idOf('kinglet', flavor, threads),
    head: [`kinglet`, threads === 1 ? flavor : `${flavor} ×${threads}`],
    engine: bare ? 'core' : 'kinglet',
    options,
    library: 'kinglet',
    form: 'klet',
    float: false,
  };
}

/**
 * Finds the flavors and thread counts of kinglet that work in this place.
 *
 * @param {import('./stands.mjs').Place} place
 * @param {object} network any network that loads fast
 * @returns {Promise<{ columns: Column[], standard: string }>} columns, those of one thread first;
 *   `standard` is the id of the flavor that `load` picks by default
 */
export async function findKinglet(place, network) {
  const attempt = async (options) => {
    const stand = await place.open();
    try {
      const { file } = network.files.klet;
      return await stand.start({
        engine: 'kinglet',
        options: { ...options, library: place.libraries.kinglet },
        file,
        inputs: network.inputs.own,
      });
    } catch {
      return undefined;
    } finally {
      await stand.close();
    }
  };
  const chosen = await attempt({ threads: 1 });
  if (!chosen) throw new Error(`kinglet does not run in ${place.name}`);
  const columns = [];
  for (const threads of threadCounts) {
    for (const flavor of flavors) if (await attempt({ flavor, threads })) columns.push(kingletColumn(flavor, threads));
  }
  return { columns, standard: idOf('kinglet', chosen.info.flavor, 1) };
}

/** @returns {object} the task of a column, for `start` of a stand */
export function taskOf(column, network, place) {
  const { file, refusal } = network.files[column.form];
  if (refusal) throw new Error(refusal);
  return {
    engine: column.engine,
    options: { ...column.options, library: place.libraries[column.library] },
    file,
    inputs: network.inputs[column.float ? 'float' : 'own'],
  };
}
