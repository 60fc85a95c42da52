// The bundles for React Native import kinglet/js with the rare operators, because any operator can
// be in a network of another library.
import type { LoadOptions, Model, Source } from '../index';
import type { PathReader } from '../runtime/read';
import { load as loadPlain } from '../plain';
import { extra } from '../plainExtra';

export function load(source: Source, options: LoadOptions): Promise<Model> {
  return loadPlain(source, { extra, ...options });
}
export const readPath: PathReader | undefined = undefined;
