import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { createKeys, publicKeyOf, sign } from '../../compiler/index';
import { KletError } from '../../index';
import { signaturesOf } from '../../format/signature';
import { collect } from '../args';
import { checkOutputs, pathText, readBytes, readText, STANDARD, writeAtomically } from '../files';
import type { Io } from '../io';
import { bytesText, facts, plural } from '../text';

interface SignOptions {
  key: string[];
  output?: string;
  newKey?: string;
}

const HELP = `
Examples:
  $ kinglet sign --new-key model-key.pem                    make the keys, once: model-key.pem and model-key.pub
  $ kinglet sign digits.klet --key model-key.pem
  $ kinglet sign digits.klet --key old.pem --key new.pem    for readers that know only one of them
  $ kinglet verify digits.klet --public-key model-key.pub

Programs load the file with the public key:
  await load('digits.klet', { publicKey: 'nRvl…=' });
Keep the private key secret. It is an Ed25519 key in PEM, also from "openssl genpkey -algorithm ed25519".`;

export function signCommand(io: Io): Command {
  const command = new Command('sign').summary('sign a .klet file');
  command.description('Signs a .klet file with Ed25519, so that programs can refuse files of others and changed ones.');
  command.argument('[file]', 'a .klet file, or - for standard input');
  command.option('--key <file>', 'a private key in PEM (repeatable)', collect, []);
  command.option('-o, --output <file>', 'the file to write (default: the input)');
  command.option('--new-key <file>', 'write a new private key to this file, and the public key beside it (.pub)');
  command.addHelpText('after', HELP);
  return command.action(async (file: string | undefined, options: SignOptions) => {
    const { newKey } = options;
    if (newKey !== undefined) await writeKey(newKey, io);
    if (file !== undefined) {
      return signFile(file, { ...options, key: [...options.key, ...(newKey ? [newKey] : [])] }, io);
    }
    if (newKey === undefined) {
      throw new KletError('BAD_ARGUMENT', 'name the file to sign, or make a key with --new-key');
    }
  });
}

async function writeKey(path: string, io: Io): Promise<void> {
  const publicPath = `${path.replace(/\.pem$/, '')}.pub`;
  for (const file of [path, publicPath]) {
    if (existsSync(file)) throw new KletError('BAD_ARGUMENT', `"${file}" exists already; name a new file for the key`);
  }
  const { privateKey, publicKey } = await createKeys();
  const encoder = new TextEncoder();
  writeAtomically(path, encoder.encode(privateKey), undefined, 0o600);
  writeAtomically(publicPath, encoder.encode(`${publicKey}\n`));
  io.out(facts({ 'private key': `${path} (keep it secret)`, 'public key': `${publicPath}\n${publicKey}` }));
}

async function signFile(file: string, { key, output: given }: SignOptions, io: Io): Promise<void> {
  const output = given ?? file;
  if (key.length === 0) {
    throw new KletError(
      'BAD_ARGUMENT',
      'signing takes a private key: --key FILE; kinglet sign --new-key FILE makes one',
    );
  }
  checkOutputs({ '-o': given }, key);
  const keys = key.map(readText);
  const signed = await sign(readBytes(file), keys);
  if (output === STANDARD) io.outBytes(signed);
  else writeAtomically(output, signed);
  const ids = signaturesOf(signed).map(({ keyId }) => keyId);
  const text = facts({
    signed: `${pathText(output, 'standard output')}, ${bytesText(signed.length)}`,
    [plural(ids.length, 'key').replace(/^\d+ /, '')]: ids.join(', '),
    'public key': (await Promise.all(keys.map(publicKeyOf))).join(', '),
  });
  if (output === STANDARD) io.err(text);
  else io.out(text);
}
