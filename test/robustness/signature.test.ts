import { generateKeyPairSync, sign as signBytes, verify as verifyBytes, createHash,
  createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { compile, createKeys, GraphBuilder, publicKeyOf, sign, verify } from '../../src/compiler/index';
import { load, loadSync } from '../../src/index';
import { reseal, sectionsOf, viewOf } from './seal';
import { rejects, staysUsable } from './refusal';

const b = new GraphBuilder('signed');
const x = b.input('x', [4]);
const file = compile(b.finish([b.node('unary', [x], { kind: 'abs' })]), { golden: [[-1, 2, -3, 4]] });
const [ours, theirs] = await Promise.all([createKeys(), createKeys()]);
const signed = await sign(file, ours.privateKey);

const SIGNATURE = 8;
const signatureOf = (bytes: Uint8Array): { offset: number; length: number } =>
  sectionsOf(bytes).find(({ kind }) => kind === SIGNATURE)!;

afterEach(() => void vi.unstubAllGlobals());

describe('a signed file', () => {
  staysUsable();

  test('loads with the key that signed it, in every form, and without a key', async () => {
    const raw = new Uint8Array(Buffer.from(ours.publicKey, 'base64'));
    const der = createPublicKey(ours.privateKey).export({ type: 'spki', format: 'der' });
    const pem = createPublicKey(ours.privateKey).export({ type: 'spki', format: 'pem' }) as string;
    for (const publicKey of [ours.publicKey, raw, new Uint8Array(der), der.toString('base64'), pem, [theirs.publicKey,
      ours.publicKey]])
    {
      expect((await load(signed, { publicKey })).selfTest()).toBe(1);
      expect(await verify(signed, publicKey)).toBe(createHash('sha256').update(raw).digest('hex').slice(0, 16));
    }
    expect((await load(signed)).selfTest()).toBe(1);
    expect(loadSync(signed).selfTest()).toBe(1);
    expect(signed.length - file.length).toBeLessThan(120);
  });

  test('is one that another implementation of Ed25519 accepts, as documented', () => {
    const { offset, length } = signatureOf(signed);
    const entry = 32 + 16 * (sectionsOf(signed).length - 1);
    const cleared = Buffer.from(signed).fill(0, offset, offset + length).fill(0, entry + 12, entry + 16).fill(
      0,
      28,
      32,
    );
    const message = Buffer.concat([Buffer.from('kinglet signature 1\n'), cleared]);
    expect(verifyBytes(null, message, createPublicKey(ours.privateKey), signed.subarray(offset + 8, offset + 72)))
      .toBe(true);
    expect(signBytes(null, message, ours.privateKey)).toEqual(Buffer.from(signed.subarray(offset + 8, offset + 72)));
  });

  test('is refused after a change of any byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(signed.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, by, mended) => {
          const changed = signed.slice();
          changed[at]! ^= by;
          if (mended) reseal(changed);
          // a changed checksum of the header is mended
          if (changed.every((byte, i) => byte === signed[i])) {
            return;
          }
          const refused = load(changed, { publicKey: ours.publicKey });
          await expect(refused).rejects.toMatchObject({
            code: expect.stringMatching(/^(BAD_SIGNATURE|BAD_MAGIC|BAD_VERSION|CORRUPT)$/) as string,
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is refused when a section or its length is changed and all checksums are mended', async () => {
    for (const { offset, length, kind } of sectionsOf(signed)) {
      if (length === 0) continue;
      const changed = signed.slice();
      changed[offset + (kind === SIGNATURE ? 40 : length - 1)]! ^= 1;
      await rejects(
        () => load(reseal(changed), { publicKey: ours.publicKey }),
        'BAD_SIGNATURE',
        /the model was changed after it was signed with the key [\da-f]{16}; fetch it again/,
      );
    }
    const larger = signed.slice();
    viewOf(larger).setUint32(16, viewOf(larger).getUint32(16, true) + 64, true);
    expect(loadSync(reseal(larger)).memory.arena).toBeGreaterThan(0);
    await rejects(() => load(larger, { publicKey: ours.publicKey }), 'BAD_SIGNATURE');
  });

  test('is refused without a signature and with one of another key', async () => {
    await rejects(() => load(file, { publicKey: ours.publicKey }), 'BAD_SIGNATURE', /the model is not signed; sign it/);
    await rejects(
      () => load(signed, { publicKey: theirs.publicKey }),
      'BAD_SIGNATURE',
      /is signed with the key [\da-f]{16}, not with [\da-f]{16}/,
    );
    await rejects(() => verify(file, ours.publicKey), 'BAD_SIGNATURE');
    // the entry of our key, with the signature of theirs
    const mixed = signed.slice();
    const other = await sign(file, theirs.privateKey);
    const { offset } = signatureOf(mixed);
    mixed.set(other.subarray(offset + 8, offset + 72), offset + 8);
    await rejects(() => load(reseal(mixed), { publicKey: ours.publicKey }), 'BAD_SIGNATURE');
  });

  test('may be signed by several keys, of which a reader knows one, and be signed again', async () => {
    const both = await sign(signed, [ours.privateKey, theirs.privateKey]);
    for (const { publicKey } of [ours, theirs]) expect((await load(both, { publicKey })).selfTest()).toBe(1);
    expect(await sign(both, ours.privateKey)).toEqual(signed);
  });
});

test('keys come from OpenSSL, too', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  for (const format of ['pem', 'der'] as const) {
    const exported = privateKey.export({ type: 'pkcs8', format: format as 'der' });
    const key = typeof exported === 'string' ? exported : new Uint8Array(exported);
    expect(await verify(await sign(file, key), await publicKeyOf(key))).toMatch(/^[\da-f]{16}$/);
  }
});

test('what is no key is refused', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const notPrivate = ['', 'key', ours.publicKey, new Uint8Array(32), 7, null,
    rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })];
  for (const key of notPrivate) {
    await rejects(() => sign(file, key as never), 'BAD_ARGUMENT', /a private key is an Ed25519 key in PKCS #8/);
  }
  for (const key of ['', 'key', ours.publicKey.slice(4), new Uint8Array(31), new Uint8Array(44), 7, null]) {
    await rejects(() => load(signed, { publicKey: key as never }), 'BAD_ARGUMENT', /a public key is an Ed25519 key/);
  }
  await rejects(
    () => load(signed, { publicKey: ours.privateKey }),
    'BAD_ARGUMENT',
    /this is a private key, which signs/,
  );
  await rejects(() => load(signed, { publicKey: [] }), 'BAD_ARGUMENT', /the list of keys is empty/);
});

test('engines without WebCrypto or without Ed25519 say so', async () => {
  const { subtle } = crypto;
  vi.stubGlobal('crypto', {});
  await rejects(() => load(signed, { publicKey: ours.publicKey }), 'BAD_ARGUMENT', /a public key needs WebCrypto/);
  vi.stubGlobal('crypto', {
    subtle: {
      digest: subtle.digest.bind(subtle),
      importKey: () => Promise.reject(new DOMException('no Ed25519', 'NotSupportedError')),
    },
  });
  await rejects(() => load(signed, { publicKey: ours.publicKey }), 'BAD_ARGUMENT', /cannot check Ed25519 signatures/);
});
