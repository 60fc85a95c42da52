import { show } from '../arguments';
import { KletError } from '../errors';
import { checkSignature, listOfKeys, publicKeyBytes, webCrypto } from '../format/signature';

// Checks of who made a file and which one it is. Pages fetch this code only when the options
// `integrity` or `publicKey` ask for it.
//
// Subresource Integrity (https://www.w3.org/TR/sri/): one or more hashes of a file, such as
// "sha256-" and the SHA-256 in base64. Of several algorithms the strongest counts.

/** Options of `load` about the origin of a file. */
export interface TrustOptions {
  /**
   * The expected hash of the file, as in Subresource Integrity: `sha256-` (or `sha384-`, `sha512-`)
   * and the hash in base64. A file with another hash is refused with `BAD_INTEGRITY`.
   */
  integrity?: string;
  /**
   * The Ed25519 public key of the signer, or several, of which one must have signed the file
   * (`kinglet sign`): 32 bytes or SubjectPublicKeyInfo, as bytes, base64 or PEM. Other files are
   * refused with `BAD_SIGNATURE`.
   */
  publicKey?: string | Uint8Array | readonly (string | Uint8Array)[];
}

/** Hashes of the strongest algorithm in an integrity text. */
interface Expected {
  bits: string;
  hashes: string[];
}

/** @throws KletError `BAD_ARGUMENT` if a text is no integrity metadata */
function parseIntegrity(integrity: unknown): Expected {
  const parts = typeof integrity === 'string'
    ? integrity.trim().split(/\s+/).map((part) => /^sha(256|384|512)-([\w+/-]+={0,2})$/.exec(part))
    : [];
  if (parts.length === 0 || parts.includes(null)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "integrity" takes hashes such as "sha256-…" in base64 (also sha384, sha512), not ${show(integrity)}`,
    );
  }
  const bits = parts.map((part) => part![1]!).sort()[parts.length - 1]!;
  return { bits, hashes: parts.filter((part) => part![1] === bits).map((part) => part![2]!) };
}

/**
 * Compares the hash of a file with the expected ones, by WebCrypto.
 *
 * @throws KletError `BAD_INTEGRITY`, or `BAD_ARGUMENT` in engines without WebCrypto
 */
async function checkIntegrity(bytes: Uint8Array, { bits, hashes }: Expected, where: string): Promise<void> {
  const subtle = webCrypto('the option "integrity"');
  const digest = await subtle.digest(`SHA-${bits}`, bytes as Uint8Array<ArrayBuffer>);
  const found = btoa(String.fromCharCode(...new Uint8Array(digest)));
  const plain = (hash: string): string => hash.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  if (hashes.some((hash) => plain(hash) === plain(found))) return;
  throw new KletError(
    'BAD_INTEGRITY',
    `${where} is not the expected file: its hash is sha${bits}-${found}, and sha${bits}-${hashes.join(' or ')} was ` +
      'expected; if the file was changed on purpose, change the option "integrity" as well',
  );
}

/** Checks a file. @throws KletError `BAD_INTEGRITY`, `BAD_SIGNATURE` or `BAD_ARGUMENT` */
export type CheckTrust = (file: Uint8Array, where: string) => Promise<void>;

/**
 * The check that the options of `load` ask for.
 *
 * @throws KletError `BAD_ARGUMENT` for options that are no hash or no key
 */
export function trustOf({ integrity, publicKey }: TrustOptions): CheckTrust {
  const expected = integrity === undefined ? undefined : parseIntegrity(integrity);
  const keys = publicKey === undefined ? undefined : listOfKeys(publicKey).map(publicKeyBytes);
  return async (file, where) => {
    if (expected) await checkIntegrity(file, expected, where);
    if (keys) await checkSignature(file, keys, where);
  };
}
