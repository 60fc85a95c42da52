import { checkOptions, isString, type Options } from '../arguments';
import { describeValue, KletError } from '../errors';
import type { Source } from '../index';
import { beside, checkCompiler, openNetwork, type CompilerSource, type Opened } from '../switching/network';
import { GraphModel, LayersModel } from './model';

/** How a model is loaded. */
export interface LoadOptions {
  /** Called with the part of the file that has arrived, from 0 to 1. */
  onProgress?: (fraction: number) => void;
  /** Options of `fetch`. */
  requestInit?: RequestInit;
  /** Replaces `fetch`. */
  fetchFunc?: (input: string, init?: RequestInit) => Promise<Response>;
  /** The folder of the weights, if it is not that of model.json. */
  weightPathPrefix?: string;
  /** The address of a file with weights. */
  weightUrlConverter?: (weightFileName: string) => Promise<string>;
  /** Has no effect. */
  strict?: boolean;
  /** Not supported: pass the address of the file. */
  fromTFHub?: boolean;
  /** Shapes of inputs whose sizes model.json leaves open, by their names. An open batch is 1. */
  shapes?: Readonly<Record<string, readonly number[]>>;
  /** Number of threads (default 1, at most 16). */
  threads?: number;
}

const loadOptions = {
  onProgress: 'function',
  requestInit: 'object',
  fetchFunc: 'function',
  weightPathPrefix: 'string',
  weightUrlConverter: 'function',
  strict: 'any',
  fromTFHub: 'any',
  shapes: 'object',
  threads: 'number',
} satisfies Options<LoadOptions>;

let compiler: CompilerSource | undefined;

/**
 * Sets `kinglet/compiler`, or a function that loads it. With it, `loadGraphModel` and
 * `loadLayersModel` also take model.json, and convert it while they load it.
 *
 * @throws KletError `BAD_ARGUMENT`
 * @example
 * ```js
 * import * as tf from 'kinglet/tfjs';
 *
 * tf.setCompiler(() => import('kinglet/compiler'));
 * const model = await tf.loadGraphModel('model.json');
 * console.log(model.inputs[0].shape); // [ 1, 2 ]
 * ```
 */
export function setCompiler(given: CompilerSource | undefined): void {
  if (given !== undefined) checkCompiler(given);
  compiler = given;
}

function checkSource(source: unknown, of: string): asserts source is Source {
  if (!isString(source) && typeof (source as { load?: unknown } | null)?.load === 'function') {
    throw new KletError(
      'BAD_ARGUMENT',
      `${of}() of kinglet/tfjs takes the address or the bytes of a file, not ${
        describeValue(source)
      }; convert model.json beforehand with npx kinglet convert`,
    );
  }
}

async function open(source: unknown, options: LoadOptions, of: string): Promise<Opened> {
  checkOptions(options, loadOptions, `${of}()`);
  checkSource(source, of);
  const { onProgress, requestInit, fetchFunc, weightPathPrefix, weightUrlConverter, fromTFHub, shapes, threads } =
    options;
  if (fromTFHub) {
    throw new KletError('BAD_ARGUMENT', `${of}() has no fromTFHub; pass the address of the model.json itself`);
  }
  const request = fetchFunc ?? (requestInit && fetch);
  const get = (address: Source): Source | Promise<Source> =>
    request && (isString(address) || address instanceof URL) ? request(String(address), requestInit) : address;
  const besideOf = async (name: string): Promise<Source> => {
    if (weightUrlConverter) return get(await weightUrlConverter(name));
    if (weightPathPrefix !== undefined) return get(beside(`${weightPathPrefix.replace(/\/?$/, '/')}`, name));
    return get(beside(source, name));
  };
  return openNetwork(await get(source), {
    options: {
      ...(threads !== undefined && { threads }),
      ...(onProgress && {
        onProgress: ({ loaded, total }) => {
          if (total) onProgress(loaded / total);
        },
      }),
    },
    compiler,
    howToSet: "tf.setCompiler(() => import('kinglet/compiler'))",
    ...(shapes && { reading: { shapes } }),
    besideOf,
  });
}

/** The names under which a graph of TensorFlow.js returns its outputs in a record. */
function structuredKeys(foreign: Uint8Array | undefined): string[] | undefined {
  if (foreign?.[0] !== 0x7b) return undefined;
  const { userDefinedMetadata } = JSON.parse(new TextDecoder().decode(foreign)) as {
    userDefinedMetadata?: { structuredOutputKeys?: string[] };
  };
  return userDefinedMetadata?.structuredOutputKeys;
}

/**
 * Loads a `.klet` file or, after `setCompiler`, a model.json with its weights, of a graph.
 *
 * @param modelUrl a path (in Node), a URL, a `Response` or the bytes
 * @throws KletError as `load`, and with a compiler as `importModel` and `compile`
 */
export async function loadGraphModel(modelUrl: Source, options: LoadOptions = {}): Promise<GraphModel> {
  const { model, foreign } = await open(modelUrl, options, 'loadGraphModel');
  return new GraphModel(model, structuredKeys(foreign));
}

/**
 * Loads a `.klet` file or, after `setCompiler`, a model.json with its weights, of layers.
 *
 * @throws KletError as `loadGraphModel`
 * @example
 * ```js
 * import * as tf from 'kinglet/tfjs';
 *
 * const model = await tf.loadLayersModel('models/digits/digits.klet');
 * const scores = model.predict(tf.zeros([2, 28, 28, 1]));
 * console.log(scores.shape); // [ 2, 10 ]
 * model.dispose();
 * ```
 */
export async function loadLayersModel(pathOrIOHandler: Source, options: LoadOptions = {}): Promise<LayersModel> {
  return new LayersModel((await open(pathOrIOHandler, options, 'loadLayersModel')).model);
}
