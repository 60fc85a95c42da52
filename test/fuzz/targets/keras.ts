import { unzipSync, zipSync } from 'fflate';
import { judgeForeign, sharedNetworks } from '../foreign';
import type { Random } from '../../helpers/random';
import { encodeKeras } from '../seeds';
import { changeBytes, changeJson } from '../changes';
import type { Target } from '../target';

const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** Changes a file inside the archive. */
function changeArchive(random: Random, archive: Uint8Array): Uint8Array {
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(archive);
  } catch {
    return changeBytes(random, archive);
  }
  const names = Object.keys(files);
  if (names.length === 0) return changeBytes(random, archive);
  const name = random.next() < 0.6 && 'config.json' in files ? 'config.json' : random.pick(names);
  if (random.next() < 0.03) delete files[name];
  else files[name] = name.endsWith('.json') ? changeJson(random, files[name]!) : changeBytes(random, files[name]!);
  return zipSync(files, { level: random.pick([0, 6]), mtime: '2020-01-01' });
}

/** Changes the text of the configuration in an HDF5 file, without changing its length. */
function changeDigits(random: Random, file: Uint8Array): Uint8Array {
  const bytes = file.slice();
  const digits = Array.from(bytes.keys()).filter((i) => bytes[i]! >= 48 && bytes[i]! <= 57);
  if (digits.length > 0) bytes[random.pick(digits)] = random.pick([48, 49, 57, 45, 46, 101]);
  return bytes;
}

export const keras: Target = {
  name: 'keras',
  about: '.keras archives (config.json and the weights inside) and .h5 files of Keras',
  seeds: () => [...encodeKeras(), ...sharedNetworks('formats/keras', '.keras', '.h5')],
  make(random, pick) {
    const base = pick();
    let bytes = base;
    for (let n = random.pick([1, 1, 1, 2, 4]); n > 0; n--) {
      if (isZip(bytes) && random.next() < 0.85) bytes = changeArchive(random, bytes);
      else if (!isZip(bytes) && random.next() < 0.2) bytes = changeDigits(random, bytes);
      else bytes = changeBytes(random, bytes);
    }
    return { base, bytes };
  },
  run: judgeForeign,
};
