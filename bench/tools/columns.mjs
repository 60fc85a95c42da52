// The columns of the bench: the engines, with the file form and the number type that each runs.

/**
 * @typedef {object} Column
 * @property {string} id
 * @property {[string, string]} head
 * @property {string} engine a name in stand/stand.ts
 * @property {{ flavor?: string, threads: number, bare?: boolean }} options
 * @property {'kinglet' | 'peers'} library
 * @property {import('../networks/prepare').Form} form
 * @property {boolean} float whether it runs the network in float32, whatever the network is
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

/** A column of kinglet; `bare` measures the core alone. */
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
 * Determines which flavors and thread counts kinglet supports here.
 *
 * @param {import('./stands.mjs').Place} place
 * @param {object} network some network that loads fast
 * @returns {Promise<{ columns: Column[], standard: string }>} one thread first; `standard` is the
 *   id of the column that `load` picks by default
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

/** @returns {object} what a stand is to start */
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
