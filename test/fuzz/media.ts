import { encode as encodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { WaveFile } from 'wavefile';
import type { Files } from './package';

// Small files of each kind that the command line reads beside networks.

export function encodeImage(): Files {
  const png = new PNG({ width: 8, height: 8 });
  png.data.fill(200);
  const { data } = encodeJpeg({ width: 8, height: 8, data: png.data }, 50);
  // a header of 54 bytes and 8 × 8 pixels of three bytes
  const bmp = Buffer.alloc(54 + 192, 90);
  bmp.write('BM', 'latin1');
  [[2, 246], [6, 0], [10, 54], [14, 40], [18, 8], [22, 8], [26, 1 | 24 << 16], [30, 0], [34, 192], [38, 0], [42, 0], [
    46,
    0,
  ], [50, 0]].forEach(([at, value]) => bmp.writeUInt32LE(value!, at));
  return { 'x.png': new Uint8Array(PNG.sync.write(png)), 'x.jpg': new Uint8Array(data), 'x.bmp': new Uint8Array(bmp) };
}

export function encodeSound(): Files {
  const wave = new WaveFile();
  wave.fromScratch(1, 8000, '16', Array.from({ length: 800 }, (_, i) => Math.round(8000 * Math.sin(i / 5))));
  return { 'x.wav': wave.toBuffer() };
}

export function encodeTable(): Files {
  const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 8), }".padEnd(117) + '\n';
  const npy = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(head), Buffer.alloc(256)]);
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  return {
    'x.npy': new Uint8Array(npy),
    'x.csv': text(`${'0.5,'.repeat(63)}0.5,3\n`.repeat(3)),
    'x.txt': text('zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n'),
    'x.json': text(JSON.stringify({ x: new Array(64).fill(1) })),
    'x.bin': new Uint8Array(64),
  };
}
