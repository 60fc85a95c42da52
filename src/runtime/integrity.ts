import { show } from '../arguments';
import { KletError } from '../errors';
import { webCrypto } from '../format/signature';

// Subresource Integrity (https://www.w3.org/TR/sri/): one or more hashes of a file, such as
// "sha256-" and the SHA-256 in base64. Of several algorithms the strongest counts.

/** Hashes of the strongest algorithm in an integrity text. */
export interface Expected {
  bits: string;
  hashes: string[];
}

/** @throws KletError `BAD_ARGUMENT` if a text is no integrity metadata */
export function parseIntegrity(integrity: unknown): Expected {
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
export async function checkIntegrity(bytes: Uint8Array, { bits, hashes }: Expected, where: string): Promise<void> {
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
