import { judgeForeign, sharedNetworks } from '../foreign';
import { pack, unpack } from '../package';
import { changeMessage } from '../protobuf';
import { encodeOnnx } from '../seeds';
import { changeBytes } from '../changes';
import type { Target } from '../target';

export const onnx: Target = {
  name: 'onnx',
  about: '.onnx files: varints, lengths, wire types, raw data, attributes, and names and sizes of external data',
  seeds: () => [...encodeOnnx(), ...sharedNetworks('formats/onnx', '.onnx')],
  make(random, pick) {
    const base = pick();
    const files = unpack(base);
    let message = files?.['model.onnx'] ?? base;
    for (let n = random.pick([1, 1, 1, 2, 3, 5]); n > 0; n--) message = changeMessage(random, message);
    if (!files) return { base, bytes: message };
    const [name] = Object.keys(files).filter((file) => file !== 'model.onnx');
    if (name && random.next() < 0.3) files[name] = changeBytes(random, files[name]!);
    return { base, bytes: pack({ ...files, 'model.onnx': message }) };
  },
  run: judgeForeign,
};
