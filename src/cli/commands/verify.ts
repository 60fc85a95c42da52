import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { verify } from '../../compiler/index';
import { KletError } from '../../index';
import { collect } from '../args';
import { pathText, readBytes, readText } from '../files';
import type { Io } from '../io';

const HELP = `
Examples:
  $ kinglet verify digits.klet --public-key model-key.pub && cp digits.klet site/
  $ kinglet verify digits.klet --public-key 'nRvl…='

The exit code is 1 if no key given signed the file, or if it was changed since.`;

export function verifyCommand(io: Io): Command {
  const command = new Command('verify').summary('check the signature of a .klet file');
  command.description('Checks that a .klet file was signed with one of the keys, and not changed since.');
  command.argument('<file>', 'a .klet file, or - for standard input');
  command.option('--public-key <key>', 'a public key in base64, or a file with one (repeatable)', collect, []);
  command.addHelpText('after', HELP);
  return command.action(async (file: string, { publicKey }: { publicKey: string[] }) => {
    if (publicKey.length === 0) {
      throw new KletError('BAD_ARGUMENT', 'verifying takes the public key of the signer: --public-key KEY');
    }
    const id = await verify(readBytes(file), publicKey.map((key) => (existsSync(key) ? readText(key) : key)));
    io.out(`${pathText(file, 'standard input')} is signed with the key ${id} and unchanged\n`);
  });
}
