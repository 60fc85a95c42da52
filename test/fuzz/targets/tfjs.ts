import { judgeForeign, sharedNetworks } from '../foreign';
import { pack, unpack } from '../package';
import { encodeTfjs } from '../seeds';
import { changeBytes, changeJson } from '../changes';
import type { Target } from '../target';

export const tfjs: Target = {
  name: 'tfjs',
  about: 'model.json of TensorFlow.js by its structure, and the weights that it names',
  seeds:
    () => [...encodeTfjs(), ...sharedNetworks('formats/tfjs', '.json').map((json) => pack({ 'model.json': json }))],
  make(random, pick) {
    const base = pick();
    const files = unpack(base) ?? { 'model.json': base };
    for (let n = random.pick([1, 1, 2, 3]); n > 0; n--) {
      const name = random.next() < 0.85 ? 'model.json' : random.pick(Object.keys(files));
      files[name] = name === 'model.json' ? changeJson(random, files[name]!) : changeBytes(random, files[name]!);
    }
    return { base, bytes: pack(files) };
  },
  run: judgeForeign,
};
