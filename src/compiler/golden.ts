import type { Model } from '../runtime/model';
import type { Inputs } from '../runtime/types';

/** The GOLDEN section: the bytes of the inputs and outputs of each case. */
export function goldenVectors(model: Model, cases: readonly Inputs[]): Uint8Array {
  const chunks = cases.flatMap((inputs) => model.record(inputs));
  const golden = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    golden.set(chunk, at);
    at += chunk.length;
  }
  return golden;
}
