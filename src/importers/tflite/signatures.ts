import { KletError } from '../../errors';
import { TfliteReader } from './reader';
import type { Table } from './schema';

type Signature = Table<'SignatureDef'>;

/** Keys that converters give to the signature for prediction, the most usual first. */
const usualKeys = ['serving_default', 'predict', 'infer', 'inference', 'serve', 'call', 'main', 'forward'];

/**
 * Chooses the signature to import: the one with this key or, by default, the first with a usual
 * key, otherwise the first of the file.
 *
 * @throws {KletError} `BAD_ARGUMENT` if there is none with this key
 */
export function chooseSignature(signatures: readonly Signature[], key?: string): Signature | undefined {
  if (key === undefined) {
    const usual = usualKeys.map((name) => signatures.find(({ signatureKey }) => signatureKey === name));
    return usual.find((signature) => signature !== undefined) ?? signatures[0];
  }
  const chosen = signatures.find(({ signatureKey }) => signatureKey === key);
  if (chosen) return chosen;
  const keys = signatures.map(({ signatureKey }) => `"${signatureKey}"`).join(', ');
  throw new KletError('BAD_ARGUMENT', `there is no signature "${key}"; the file has ${keys || 'no signatures'}`);
}

/** The keys of a file's signatures, and the one that is imported by default. */
export function signaturesOf(bytes: Uint8Array): { keys: string[]; chosen?: string } {
  const { signatureDefs } = new TfliteReader(bytes).model();
  const chosen = chooseSignature(signatureDefs)?.signatureKey;
  return { keys: signatureDefs.map(({ signatureKey }) => signatureKey), ...(chosen !== undefined && { chosen }) };
}

/** An output of the network: its tensor, and its name in the signature if it has one. */
export interface NamedOutput {
  index: number;
  name?: string;
}

/**
 * The outputs of a subgraph in their order, with the names of the signature. A signature may have a
 * tensor as several outputs, and tensors that the subgraph does not list.
 */
export function namedOutputs(indices: readonly number[], signature: Signature | undefined): NamedOutput[] {
  const entries = [...(signature?.outputs ?? [])];
  const listed = indices.map((index): NamedOutput => {
    const at = entries.findIndex(({ tensorIndex }) => tensorIndex === index);
    const [entry] = at < 0 ? [] : entries.splice(at, 1);
    return { index, ...(entry?.name && { name: entry.name }) };
  });
  return [...listed, ...entries.map(({ tensorIndex, name }) => ({ index: tensorIndex, name }))];
}

/**
 * The outputs that the caller chose, by the names of tensors or of the signature's outputs.
 *
 * @throws {KletError} `BAD_ARGUMENT` if there is no tensor with a name
 */
export function chosenOutputs(
  { tensors, outputs }: Table<'SubGraph'>,
  signature: Signature | undefined,
  names: readonly string[],
): NamedOutput[] {
  return names.map((name) => {
    const named = signature?.outputs.find((output) => output.name === name)?.tensorIndex;
    const index = named ?? tensors.findIndex((tensor) => tensor.name === name);
    if (index >= 0) return { index, name };
    const known = namedOutputs(outputs, signature).map((output) => `"${output.name ?? tensors[output.index]?.name}"`);
    throw new KletError(
      'BAD_ARGUMENT',
      `there is no tensor "${name}"; the outputs of the file are ${known.join(', ')}`,
    );
  });
}
