import { KletError } from '../errors';
import { crc32 } from '../format/crc32';
import { openKlet, SECTION_SIGNATURE } from '../format/klet';
import { withSection } from '../format/writeKlet';
import { checkSignature, fromBase64, keyIdOf, listOfKeys, publicKeyBytes, signedMessage, SIGNED_BYTES,
  webCrypto } from '../format/signature';

/** A private key of Ed25519: PKCS #8 as PEM, base64 or DER bytes. */
export type PrivateKey = string | Uint8Array;
/** A public key of Ed25519: 32 bytes, or SubjectPublicKeyInfo, as PEM, base64 or bytes. */
export type PublicKey = string | Uint8Array;

/** A new pair of keys. */
export interface KeyPair {
  /** PKCS #8 in PEM, as OpenSSL writes it. Keep it secret. */
  privateKey: string;
  /** The 32 bytes in base64, for the option `publicKey` of `load`. */
  publicKey: string;
}

/**
 * Makes a pair of keys for `sign` and for the option `publicKey` of `load`.
 *
 * @throws KletError `BAD_ARGUMENT` in engines without Ed25519 (RFC 8032)
 */
export async function createKeys(): Promise<KeyPair> {
  const subtle = webCrypto('createKeys()');
  const pair = await subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const privateKey = base64(new Uint8Array(await subtle.exportKey('pkcs8', pair.privateKey)));
  const publicKey = base64(new Uint8Array(await subtle.exportKey('raw', pair.publicKey)));
  return { privateKey: `-----BEGIN PRIVATE KEY-----\n${privateKey}\n-----END PRIVATE KEY-----\n`, publicKey };
}

/**
 * The public key that belongs to a private key, as 32 bytes in base64.
 *
 * @throws KletError `BAD_ARGUMENT` if it is no private key
 */
export async function publicKeyOf(privateKey: PrivateKey): Promise<string> {
  return (await openPrivateKey(privateKey)).publicKey;
}

/**
 * Signs a `.klet` file with Ed25519, in a section of its own. The signature covers every other byte
 * of the file. Signatures that were there are replaced.
 *
 * @param keys one private key or several, for readers that know only one of them
 * @returns the signed file, 80 to 100 bytes larger for one key
 * @throws KletError `BAD_ARGUMENT`, and as `readKlet`
 * @example
 * ```js
 * const { privateKey, publicKey } = await createKeys();
 * const b = new GraphBuilder('loud');
 * const klet = compile(b.finish([b.node('unary', [b.input('x', [4])], { kind: 'abs' })]));
 * const signed = await sign(klet, privateKey);
 * console.log((await verify(signed, publicKey)).length); // 16
 * ```
 */
export async function sign(klet: Uint8Array, keys: PrivateKey | readonly PrivateKey[]): Promise<Uint8Array> {
  if (!(klet instanceof Uint8Array)) throw new KletError('BAD_ARGUMENT', 'sign takes the bytes of a .klet file');
  openKlet(klet, 'the model', crc32, Infinity);
  const subtle = webCrypto('sign()');
  const pairs = await Promise.all(listOfKeys(keys).map(openPrivateKey));
  const blank = withSection(klet, SECTION_SIGNATURE, new Uint8Array(pairs.length * SIGNED_BYTES));
  const message = signedMessage(blank);
  const entries = await Promise.all(pairs.map(async ({ key, publicKey }) => {
    const id = await keyIdOf(subtle, fromBase64(publicKey)!);
    const signature = new Uint8Array(await subtle.sign('Ed25519', key, message));
    return Uint8Array.of(...id.match(/../g)!.map((digits) => parseInt(digits, 16)), ...signature);
  }));
  const section = new Uint8Array(pairs.length * SIGNED_BYTES);
  entries.forEach((entry, i) => {
    section.set(entry, i * SIGNED_BYTES);
  });
  return withSection(klet, SECTION_SIGNATURE, section);
}

/**
 * Checks that a file was signed with the private key of one of these public keys, and not changed
 * since.
 *
 * @returns the id of the key: the first 8 bytes of its SHA-256, in hexadecimal digits
 * @throws KletError `BAD_SIGNATURE`, `BAD_ARGUMENT`, and as `readKlet`
 */
export async function verify(klet: Uint8Array, publicKeys: PublicKey | readonly PublicKey[]): Promise<string> {
  if (!(klet instanceof Uint8Array)) throw new KletError('BAD_ARGUMENT', 'verify takes the bytes of a .klet file');
  const id = await checkSignature(klet, listOfKeys(publicKeys).map(publicKeyBytes), 'the model');
  openKlet(klet, 'the model', crc32, Infinity);
  return id;
}

async function openPrivateKey(privateKey: PrivateKey): Promise<{ key: CryptoKey; publicKey: string }> {
  const subtle = webCrypto('a private key');
  const bytes = typeof privateKey === 'string' ? fromBase64(privateKey) : privateKey;
  try {
    const key = await subtle.importKey('pkcs8', bytes as Uint8Array<ArrayBuffer>, 'Ed25519', true, ['sign']);
    const { x } = await subtle.exportKey('jwk', key);
    return { key, publicKey: base64(fromBase64(x!.replaceAll('-', '+').replaceAll('_', '/'))!) };
  } catch (cause) {
    throw new KletError(
      'BAD_ARGUMENT',
      'a private key is an Ed25519 key in PKCS #8, as PEM, base64 or bytes; createKeys() or ' +
        '"openssl genpkey -algorithm ed25519" makes one',
      { cause },
    );
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
