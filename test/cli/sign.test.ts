import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { verify } from '../../src/compiler/index';
import { kinglet, quadrants, temporaryFolder } from './cli';

const folder = temporaryFolder();

describe('kinglet sign and verify', () => {
  test('make a key, sign a file in place, and check it', async () => {
    const tflite = folder.write('quadrants.tflite', quadrants());
    const klet = folder.at('quadrants.klet');
    expect((await kinglet('convert', tflite, '-o', klet)).code).toBe(0);
    const key = folder.at('key.pem');
    const made = await kinglet('sign', '--new-key', key);
    expect(made.out).toMatch(/^private key .*key\.pem \(keep it secret\)\npublic key .*key\.pub\n +[\w+/]{43}=\n$/);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    const publicKey = folder.read('key.pub').toString().trim();
    expect(made.out).toContain(publicKey);

    const signed = await kinglet('sign', klet, '--key', key);
    expect(signed).toMatchObject({ code: 0, err: '' });
    expect(signed.out).toContain(publicKey);
    const id = await verify(folder.read('quadrants.klet'), publicKey);
    expect(signed.out).toContain(id);
    const publicFile = folder.write('public.txt', `${publicKey}\n`);
    for (const given of [publicKey, publicFile]) {
      expect(await kinglet('verify', klet, '--public-key', given)).toMatchObject({
        code: 0,
        out: `${klet} is signed with the key ${id} and unchanged\n`,
      });
    }
    expect((await kinglet('inspect', klet)).out).toMatch(new RegExp(`signed +with the key ${id} \\(not checked\\)`));
    expect((await kinglet('inspect', klet)).out).toMatch(/SIGNATURE 72 B/);
  });

  test('exit with 1 and say why', async () => {
    const key = folder.at('second.pem');
    await kinglet('sign', '--new-key', key);
    const publicKey = folder.at('second.pub');
    const klet = folder.at('quadrants.klet');
    const cases: [string[], RegExp][] = [[['verify', klet, '--public-key', publicKey],
      /BAD_SIGNATURE: .* is signed with the key \w+, not with \w+/], [['verify', klet],
      /takes the public key of the signer: --public-key KEY/], [['verify', klet, '--public-key', 'nobody.pem'],
      /a public key is an Ed25519 key/], [['sign', klet],
      /takes a private key: --key FILE; kinglet sign --new-key FILE makes one/], [['sign'],
      /name the file to sign, or make a key with --new-key/], [['sign', '--new-key', key],
      /second\.pem" exists already/], [['sign', klet, '--key', klet], /is a \.klet network, not text/], [['sign',
      folder.at('quadrants.tflite'), '--key', key], /BAD_MAGIC: .* is not a \.klet file/]];
    for (const [argv, text] of cases) {
      expect(await kinglet(...argv)).toMatchObject({ code: 1, err: expect.stringMatching(text) as string });
    }
  });
});
