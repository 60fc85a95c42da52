import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { main } from '../../../src/cli/main';
import { encodeImage, encodeSound, encodeTable } from '../media';
import { changeBytes } from '../changes';
import { Failure, Meter, shapeOf } from '../oracles';
import { pack, unpack } from '../package';
import type { Target } from '../target';
import { keras } from './keras';
import { klet } from './klet';
import { onnx } from './onnx';
import { tfjs } from './tfjs';
import { tflite } from './tflite';

const root = path.resolve(import.meta.dirname, '../../..');
const digits = path.join(root, 'models/digits/digits.klet');
const spoken = path.join(root, 'models/spoken-digits/spoken-digits.klet');

/** Commands on a file; FILE stands for it, and OUT for a path that may be written. */
const onNetwork = ['inspect FILE', 'inspect FILE --memory', 'inspect FILE --json', 'inspect FILE --names',
  'inspect FILE --check', 'convert FILE -o OUT.klet', 'convert FILE -o OUT.klet --strip --compact', 'run FILE',
  'run FILE --raw', 'verify FILE --public-key FILE', 'bench FILE', 'convert FILE --c OUT', 'run FILE --json'];
const onMedia = [`run ${digits} --input FILE`, `run ${spoken} --input FILE`, `run ${digits} --input FILE --raw`,
  `run ${digits} --labels FILE`, `eval ${digits} --data FILE`, `run ${digits} --input FILE --json`];

const networks: Record<string, Target> = { klet, tflite, onnx, keras, tfjs };
/** Without those of others, because one file is judged by several commands. */
const MAX_BYTES = 60_000;

/** Control characters but line feed and tab, and those that reorder text. */
// eslint-disable-next-line no-control-regex
const DRIVES_TERMINAL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

interface Start {
  command: string;
  name: string;
  bytes: Uint8Array;
}

const media = (): Start[] =>
  Object.entries({ ...encodeImage(), ...encodeSound(), ...encodeTable() }).flatMap(([name, bytes]) =>
    onMedia.map((command) => ({ command, name, bytes }))
  );

function starts(): Start[] {
  const ofNetworks = Object.entries(networks).flatMap(([format, target]) =>
    target.seeds().filter((bytes) => bytes.length < MAX_BYTES).flatMap((bytes) => {
      const files = unpack(bytes);
      const name = files ? Object.keys(files)[0]! : `network.${format}`;
      return onNetwork.map((command) => ({ command, name, bytes: files?.[name] ?? bytes }));
    })
  );
  return [...media(), ...ofNetworks];
}

const encode = ({ command, name, bytes }: Start): Uint8Array =>
  pack({ command: new TextEncoder().encode(command), [name]: bytes });

function decode(packed: Uint8Array): Start {
  const { command, ...files } = unpack(packed)!;
  const [name, bytes] = Object.entries(files)[0]!;
  return { command: new TextDecoder().decode(command), name, bytes };
}

async function run(packed: Uint8Array): Promise<string> {
  const { command, name, bytes } = decode(packed);
  const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-fuzz-'));
  const meter = new Meter(20, 256 << 20);
  let text = '';
  const print = (more: string): void => {
    text += more;
  };
  try {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    const argv = command.split(' ').map((
      word,
    ) => (word === 'FILE' ? file : word.replace('OUT', path.join(folder, 'out'))));
    const code = await main(argv, { out: print, outBytes: () => undefined, err: print, columns: 100 });
    meter.check();
    if (DRIVES_TERMINAL.test(text)) {
      throw new Failure('control characters', `it has control characters: ${JSON.stringify(text)}`);
    }
    if (/unexpected error/.test(text)) throw new Failure('wrong error', text.trim());
    if (![0, 1, 2].includes(code)) throw new Failure('wrong error', `exit code ${code}`);
    if (!readFileSync(file).equals(bytes)) throw new Failure('changed input', 'the file was changed');
    const first = text.replaceAll(folder, '').split('\n', 1)[0]!;
    return `${command.replace(/\/\S*\//, '')} ${code} ${code === 0 ? '' : shapeOf(first)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const cli: Target = {
  name: 'cli',
  about: 'commands with damaged networks, images, recordings, arrays and texts',
  seeds: () => starts().map(encode),
  make(random, pick) {
    const base = pick();
    const start = decode(base);
    const target = Object.entries(networks).find(([format]) => start.name.endsWith(format))?.[1];
    const bytes = target && random.next() < 0.8
      ? target.make(random, () => start.bytes).bytes
      : changeBytes(random, start.bytes);
    return { base, bytes: encode({ ...start, bytes }) };
  },
  run,
};
