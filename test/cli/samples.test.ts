import { dump } from 'npyjs';
import { zipSync } from 'fflate';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { findSamples, samplesAdvice, type Sample, type SampleOptions } from '../../src/cli/samples';
import { GraphBuilder, type Graph } from '../../src/compiler';
import { temporaryFolder } from './cli';

const files = temporaryFolder();

function network(...shapes: number[][]): Graph {
  const b = new GraphBuilder('network');
  const inputs = shapes.map((shape, i) => b.input(`x${i}`, shape));
  return b.finish(inputs.map((x, i) => b.node('unary', [x], { kind: 'square' }, { name: `y${i}` })));
}

/** A network with a state, as far as the samples are concerned. */
function stateful(shape: number[]): Graph {
  const graph = network(shape);
  const value = { name: 'state', shape: [1], dtype: 'float32' as const };
  return { ...graph, states: [{ value, next: value, initial: Float32Array.of(0) }] };
}

const npy = (array: Float32Array | Uint8Array | Int32Array, shape: number[]): Uint8Array =>
  new Uint8Array(dump(array, shape));
const count = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
const ramp = (...shape: number[]): Uint8Array => npy(Float32Array.from({ length: count(shape) }, (_, i) => i), shape);
const values = (sample: Sample, name = 'x0'): number[] | number[][] =>
  Array.isArray(sample) ? sample.map((step) => [...step[name]!] as number[]) : [...sample[name]!] as number[];
const found = (file: string, graph: Graph, options: SampleOptions = {}) =>
  Array.from(findSamples([file], graph, options), (sample) => values(sample));

describe('an .npy file', () => {
  it('holds as many samples as its first dimension counts', () => {
    const file = files.write('rows.npy', ramp(3, 2));
    expect(found(file, network([1, 2]))).toEqual([[0, 1], [2, 3], [4, 5]]);
    const list = findSamples([file], network([1, 2]));
    expect([list.length, list.where(1)]).toEqual([3, `${file}[1]`]);
  });

  it('holds one sample if it has the shape of the input', () => {
    expect(found(files.write('one.npy', ramp(2, 3)), network([1, 2, 3]))).toEqual([[0, 1, 2, 3, 4, 5]]);
  });

  it('holds samples of one value, and samples that are flat', () => {
    expect(found(files.write('scalars.npy', ramp(3, 1)), network([1, 1]))).toEqual([[0], [1], [2]]);
    expect(found(files.write('flat.npy', ramp(2, 6)), network([1, 2, 3]))[1]).toEqual([6, 7, 8, 9, 10, 11]);
  });

  it('holds one sequence, or several, for a network with state', () => {
    expect(found(files.write('sequence.npy', ramp(3, 2)), stateful([1, 2]))).toEqual([[[0, 1], [2, 3], [4, 5]]]);
    expect(found(files.write('sequences.npy', ramp(2, 2, 2)), stateful([1, 2]))).toEqual([[[0, 1], [2, 3]], [[4, 5], [6,
      7]]]);
  });

  it('of bytes holds pixels, if the network has image preprocessing', () => {
    const file = files.write('pixels.npy', npy(Uint8Array.of(0, 255, 128, 64), [2, 1, 2, 1]));
    const preprocessing = { kind: 'image' as const, channels: 1 as const, scale: 2 / 255, offset: -1 };
    const [first] = found(file, network([1, 1, 2, 1]), { preprocessing });
    expect(first).toEqual([-1, 1]);
    expect(found(file, network([1, 1, 2, 1]))[0]).toEqual([0, 255]);
  });

  it('of bytes holds pixels channel by channel, if the input does', () => {
    const bytes = Uint8Array.from({ length: 12 }, (_, i) => i);
    const file = files.write('planes.npy', npy(bytes, [1, 3, 2, 2]));
    const preprocessing = { kind: 'image' as const, channels: 3 as const, scale: 1, offset: 0 };
    expect(found(file, network([1, 3, 2, 2]), { preprocessing })).toEqual([[...bytes]]);
  });

  it('of another shape is refused with the shape that is expected', () => {
    const file = files.write('wrong.npy', ramp(5, 3));
    expect(() => findSamples([file], network([1, 2])))
      .toThrow(/wrong\.npy" has the shape \[5, 3\]; input "x0" takes \[1, 2\], so an array .* \[samples, 2\]/);
  });

  it('that is cut off, or in Fortran order, is refused', () => {
    expect(() => findSamples([files.write('cut.npy', ramp(5, 2).subarray(0, -4))], network([1, 2])))
      .toThrow(/"[^"]*cut\.npy" is cut off: the shape \[5, 2\]/);
    const text = Buffer.from(ramp(5, 2)).toString('latin1').replace(':False,', ':True, ');
    const file = files.write('fortran.npy', Buffer.from(text, 'latin1'));
    expect(() => findSamples([file], network([1, 2]))).toThrow(/Fortran order/);
    expect(() => findSamples([files.write('empty.npy', new Uint8Array(0))], network([1, 2]))).toThrow(/no \.npy array/);
  });
});

describe('an .npz file', () => {
  const archive = (arrays: Record<string, Uint8Array>): Uint8Array =>
    zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])));

  it('holds an array for each input', () => {
    const file = files.write('two.npz', archive({ x1: ramp(2, 1), x0: ramp(2, 2), labels: ramp(2) }));
    const [, second] = findSamples([file], network([1, 2], [1, 1]));
    expect([values(second!, 'x0'), values(second!, 'x1')]).toEqual([[2, 3], [1]]);
  });

  it('holds arrays without names in the order of the inputs, and one array for one input', () => {
    const file = files.write('order.npz', archive({ arr_0: ramp(2, 2), arr_1: ramp(2, 1) }));
    expect(findSamples([file], network([1, 2], [1, 1])).length).toBe(2);
    expect(found(files.write('single.npz', archive({ images: ramp(2, 2) })), network([1, 2]))).toHaveLength(2);
  });

  it('is refused if an array is missing, or has another number of samples', () => {
    const graph = network([1, 2], [1, 1]);
    expect(() => findSamples([files.write('missing.npz', archive({ x0: ramp(2, 2), b: ramp(2, 1) }))], graph))
      .toThrow(/holds "x0", "b"; the network takes "x0" .*numpy\.savez/);
    expect(() => findSamples([files.write('uneven.npz', archive({ x0: ramp(2, 2), x1: ramp(3, 1) }))], graph))
      .toThrow(/different numbers of samples: "x0" \[2, 2\], "x1" \[3, 1\]/);
    expect(() => findSamples([files.write('no.npz', 'text')], graph)).toThrow(/no\.npz" is no \.npz archive/);
  });
});

describe('a folder', () => {
  it('holds the samples in it and in its folders, without hidden files and descriptions', () => {
    files.folder('data');
    files.folder('data/b');
    const image = new PNG({ width: 2, height: 1 });
    image.data.fill(255);
    files.write('data/b/1.png', PNG.sync.write(image));
    files.write('data/a.bin', new Uint8Array(8));
    for (const name of ['data/labels.txt', 'data/.hidden', 'data/b/README.md']) files.write(name, 'text');
    const notes: string[] = [];
    const list = findSamples([files.at('data')], network([1, 1, 2, 1]), { note: (text) => notes.push(text) });
    expect(Array.from({ length: list.length }, (_, i) => list.where(i))).toEqual([files.at('data/a.bin'),
      files.at('data/b/1.png')]);
    expect(Array.from(list, (sample) => values(sample))).toEqual([[0, 0], [1, 1]]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/1\.png" \(2×1\), gray, byte \/ 255, that is 0\.\.1: assumed/);
  });

  it('without samples is refused', () => {
    files.folder('nothing');
    expect(() => findSamples([files.at('nothing')], network([1, 2]))).toThrow(/there are no samples in ".*nothing"/);
  });
});

it('samples are read when they are asked for', () => {
  const list = findSamples([files.write('late.bin', new Uint8Array(8))], network([1, 2]));
  files.write('late.bin', new Uint8Array(Float32Array.of(5, 6).buffer));
  expect(Array.from(list, (sample) => values(sample))).toEqual([[5, 6]]);
});

it('the advice on samples fits the network', () => {
  const image = { kind: 'image' as const, channels: 3 as const, scale: 1, offset: 0 };
  const advice = (...shapes: number[][]): string => samplesAdvice(network(...shapes), undefined, 'kinglet');
  expect(advice([1, 32, 32, 3])).toContain('kinglet --samples images/');
  expect(samplesAdvice(network([1, 8, 8, 3]), image, 'kinglet')).toContain('[samples, 8, 8, 3]');
  expect(advice([1, 49, 10]))
    .toMatch(/an array of the shape \[samples, 49, 10\].*\n {2}kinglet --samples samples\.npy/);
  expect(advice([1, 2], [1, 3])).toContain('numpy.savez(file, **{"x0": …, "x1": …})');
});
