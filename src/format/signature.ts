import { KletError } from '../errors';
import { SECTION_SIGNATURE, sectionEntry } from './klet';

// The SIGNATURE section has one entry of 72 bytes for each key: the first 8 bytes of the SHA-256 of
// the public key, and an Ed25519 signature (RFC 8032). docs/format/file.md specifies it.

const KEY_ID_BYTES = 8;
const SIGNATURE_BYTES = 64;
export const SIGNED_BYTES = KEY_ID_BYTES + SIGNATURE_BYTES;
const MOST_SIGNATURES = 16;
const PREFIX = 'kinglet signature 1\n';
const HEADER_CRC = 28;
const ENTRY_CRC = 12;

/** One signature of a file. */
export interface Signature {
  /** The first 8 bytes of the SHA-256 of the public key, in hexadecimal digits. */
  keyId: string;
  signature: Uint8Array<ArrayBuffer>;
}

/** The signatures in a file, which need not be whole. */
export function signaturesOf(file: Uint8Array): Signature[] {
  const section = sectionEntry(file, SECTION_SIGNATURE);
  if (!section || section.length % SIGNED_BYTES !== 0 || section.length > MOST_SIGNATURES * SIGNED_BYTES) return [];
  return Array.from({ length: section.length / SIGNED_BYTES }, (_, i) => {
    const at = section.offset + i * SIGNED_BYTES;
    return {
      keyId: hex(file.subarray(at, at + KEY_ID_BYTES)),
      signature: new Uint8Array(file.subarray(at + KEY_ID_BYTES, at + SIGNED_BYTES)),
    };
  });
}

/**
 * The bytes that a signature covers: a prefix, then the whole file with zeros in place of what
 * depends on the signatures, which are the SIGNATURE section and the checksums of this section and
 * of the header.
 */
export function signedMessage(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(PREFIX.length + file.length);
  for (let i = 0; i < PREFIX.length; i++) message[i] = PREFIX.charCodeAt(i);
  message.set(file, PREFIX.length);
  const clear = (at: number, bytes: number): void => {
    message.fill(0, PREFIX.length + at, PREFIX.length + at + bytes);
  };
  clear(HEADER_CRC, 4);
  const section = sectionEntry(file, SECTION_SIGNATURE);
  if (section) {
    clear(section.entry + ENTRY_CRC, 4);
    clear(section.offset, section.length);
  }
  return message;
}

/**
 * The DER encoding of an Ed25519 public key up to its 32 bytes (SubjectPublicKeyInfo, RFC 8410).
 */
const PUBLIC_KEY_HEAD = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/**
 * The 32 bytes of a public key.
 *
 * @param key those bytes, or their DER encoding, as bytes or in base64, also as PEM
 * @throws KletError `BAD_ARGUMENT`
 */
export function publicKeyBytes(key: unknown): Uint8Array<ArrayBuffer> {
  const bytes = typeof key === 'string' ? fromBase64(key) : key;
  if (bytes instanceof Uint8Array) {
    const head = bytes.length - 32;
    const isDer = head === PUBLIC_KEY_HEAD.length && PUBLIC_KEY_HEAD.every((byte, i) => bytes[i] === byte);
    if (head === 0 || isDer) return new Uint8Array(bytes.subarray(head));
  }
  const isPrivate = typeof key === 'string' && key.includes('PRIVATE KEY');
  throw new KletError(
    'BAD_ARGUMENT',
    isPrivate
      ? 'this is a private key, which signs; a public key is needed here (kinglet sign prints it)'
      : 'a public key is an Ed25519 key of 32 bytes, or its DER encoding, as bytes, base64 or PEM',
  );
}

/** One key or several as a list. @throws KletError `BAD_ARGUMENT` if there is none */
export function listOfKeys<T>(keys: T | readonly T[]): readonly T[] {
  const list = [keys].flat() as T[];
  if (list.length === 0) throw new KletError('BAD_ARGUMENT', 'the list of keys is empty; at least one is needed');
  return list;
}

/** Decodes base64 or PEM. @returns undefined for other text */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text.replace(/-----[A-Z ]+-----/g, '').replace(/\s+/g, '')), (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** The name of a public key in messages, and in the file. */
export async function keyIdOf(subtle: SubtleCrypto, publicKey: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await subtle.digest('SHA-256', publicKey)).subarray(0, KEY_ID_BYTES));
}

/** Checks a signature of the message. */
export async function isSignedBy(
  subtle: SubtleCrypto,
  publicKey: Uint8Array<ArrayBuffer>,
  { signature }: Signature,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const key = await subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
  return subtle.verify('Ed25519', key, signature, message);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * WebCrypto of this engine.
 *
 * @param what what needs it, in the error message
 * @throws KletError `BAD_ARGUMENT` if the engine has none
 */
export function webCrypto(what: string): SubtleCrypto {
  const subtle = typeof crypto === 'object' ? (crypto as Partial<Crypto>).subtle : undefined;
  if (subtle) return subtle;
  throw new KletError(
    'BAD_ARGUMENT',
    `${what} needs WebCrypto, which this engine lacks (pages have it when they come by https)`,
  );
}

/**
 * Checks that one of the keys signed a file.
 *
 * @returns the id of that key
 * @throws KletError `BAD_SIGNATURE`, or `BAD_ARGUMENT` for what is no key, and in engines without
 *   Ed25519
 */
export async function checkSignature(
  file: Uint8Array,
  publicKeys: readonly Uint8Array<ArrayBuffer>[],
  where: string,
): Promise<string> {
  const subtle = webCrypto('a public key');
  const signatures = signaturesOf(file);
  if (signatures.length === 0) {
    throw new KletError('BAD_SIGNATURE', `${where} is not signed; sign it with kinglet sign, or load it without a key`);
  }
  const message = signedMessage(file);
  const ids: string[] = [];
  for (const key of publicKeys) {
    const id = await keyIdOf(subtle, key);
    ids.push(id);
    const named = signatures.find(({ keyId }) => keyId === id);
    if (!named) continue;
    const isGood = await isSignedBy(subtle, key, named, message).catch((cause: unknown) => {
      throw new KletError('BAD_ARGUMENT', 'this engine cannot check Ed25519 signatures; update it', { cause });
    });
    if (isGood) return id;
    throw new KletError(
      'BAD_SIGNATURE',
      `${where} was changed after it was signed with the key ${id}; fetch it again from its origin`,
    );
  }
  throw new KletError(
    'BAD_SIGNATURE',
    `${where} is signed with the key ${signatures.map(({ keyId }) => keyId).join(', ')}, not with ${ids.join(' or ')}`,
  );
}
