// Networks that a user opens: .klet files, and files of other formats, which are converted here.
import { load } from '../../dist/browser.js';

const COMPILER = new URL('../../dist/compiler.browser.js', import.meta.url);

/**
 * @param {File} file
 * @throws Error if it is no network, or its file does not say what its inputs are
 */
export async function readNetwork(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isKlet = file.name.toLowerCase().endsWith('.klet');
  const klet = isKlet ? bytes : await convert(bytes);
  const model = await load(klet);
  if (!model.meta.preprocessing) {
    throw new Error(`${file.name} does not say how images or sounds become its input (META's "preprocessing").`);
  }
  return { klet, model, name: file.name };
}

async function convert(bytes) {
  const { compile, importerOf } = await import(COMPILER.href);
  const importer = importerOf(bytes);
  if (!importer) throw new Error('This file is no network of a format that kinglet reads.');
  const graph = importer.import(bytes, { layout: 'nhwc' });
  const { preprocessing = usualPreprocessing(graph.inputs[0]) } = importer.meta?.(bytes) ?? {};
  return compile(graph, { meta: { preprocessing } });
}

/**
 * Float networks for images that do not say more usually take values from −1 to 1, and quantized
 * ones the bytes of the image.
 */
function usualPreprocessing({ dtype, quantization, shape }) {
  const channels = shape.at(-1) === 1 ? 1 : 3;
  if (!quantization) return { kind: 'image', channels, scale: 1 / 127.5, offset: -1 };
  const [scale] = quantization.scale;
  const [zeroPoint] = quantization.zeroPoint;
  return { kind: 'image', channels, scale, offset: -scale * (zeroPoint + (dtype === 'int8' ? 128 : 0)) };
}
