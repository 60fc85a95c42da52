import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import * as compiler from '../../src/compiler/index';
import { compile, GraphBuilder, importModel } from '../../src/compiler/index';
import ort, { env, InferenceSession, KletError, Tensor } from '../../src/ort/index';
import { loadSync } from '../../src/index';
import { foreignNetworks } from '../docs/foreignNetworks';
import { onnxTypes, writeOnnx } from '../importers/onnx/writer';
import { rejects } from '../robustness/refusal';

const files = foreignNetworks();
const digits = 'models/digits/digits.klet';
afterEach(() => {
  env.compiler = undefined;
  delete env.wasm.numThreads;
});

/** A network that adds a constant to numbers of a type. */
function adding(type: 'int32' | 'int64' | 'float', name = 'x'): Uint8Array {
  return writeOnnx({
    nodes: [{ op: 'Add', inputs: [name, 'one'], outputs: ['y'] }],
    inputs: [{ name, shape: [2], type: onnxTypes[type] }],
    outputs: [{ name: 'y', type: onnxTypes[type] }],
    constants: [{ name: 'one', shape: [1], data: [1], type: onnxTypes[type] }],
  });
}

async function converted(onnx: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(compile(await importModel(onnx)));
}

describe('a session', () => {
  test('describes inputs and outputs as real numbers, also of an int8 network', async () => {
    const session = await InferenceSession.create(digits, {
      executionProviders: ['webgpu', 'wasm'],
      logSeverityLevel: 2,
    });
    expect(session.inputNames).toEqual(['image']);
    expect(session.outputNames).toEqual(['scores']);
    expect(session.inputMetadata).toEqual([{ name: 'image', isTensor: true, type: 'float32', shape: [1, 28, 28, 1] }]);
    expect(session.outputMetadata).toEqual([{ name: 'scores', isTensor: true, type: 'float32', shape: [1, 10] }]);
    expect(session.model.meta.labels).toHaveLength(10);
  });

  test('quantizes float32, takes int8 unchanged, and returns what predict returns', async () => {
    const session = await InferenceSession.create(digits);
    const model = loadSync(await import('node:fs').then(({ readFileSync }) => readFileSync(digits)));
    const values = Float32Array.from({ length: 784 }, (_, i) => (i % 29) / 28);
    const { scale, zeroPoint } = model.inputs[0]!;
    const raw = Int8Array.from(values, (x) => Math.max(-128, Math.min(127, Math.round(x / scale!) + zeroPoint!)));
    for (const data of [values, raw]) {
      const { scores } = await session.run({ image: new Tensor(data, [1, 28, 28, 1]) });
      expect(scores!.data).toEqual(model.predict(data));
      expect([scores!.type, scores!.dims, scores!.size, scores!.location]).toEqual(['float32', [1, 10], 10, 'cpu']);
    }
    await rejects(
      () => session.run({ image: new Tensor(new Uint8Array(784), [1, 28, 28, 1]) }),
      'TYPE_MISMATCH',
      /takes a tensor of the type float32 \(real numbers\) or int8 \(raw values\), not uint8 \[1, 28, 28, 1\]/,
    );
  });

  test('is created from a path, a URL, bytes, and a part of a buffer', async () => {
    const klet = compile(await importModel(files['network.onnx']!));
    const padded = new Uint8Array(klet.length + 24);
    padded.set(klet, 16);
    const shared = new SharedArrayBuffer(klet.length);
    new Uint8Array(shared).set(klet);
    const sessions = await Promise.all([InferenceSession.create(klet), InferenceSession.create(klet.slice().buffer),
      InferenceSession.create(padded.buffer, 16, klet.length), InferenceSession.create(shared),
      InferenceSession
        .create(new URL(`data:application/octet-stream;base64,${Buffer.from(klet).toString('base64')}`))]);
    for (const { inputNames } of sessions) expect(inputNames).toEqual(['image']);
    await rejects(() => InferenceSession.create(padded.buffer, 16, klet.length + 9), 'BAD_ARGUMENT', /byteLength/);
    await rejects(() => InferenceSession.create(3 as never), 'BAD_ARGUMENT', /a path, a URL or the bytes/);
  });

  test('returns the outputs that are asked for, also into tensors of the caller', async () => {
    const b = new GraphBuilder('two');
    const x = b.input('x', [2]);
    const [up, down] = (['abs', 'neg'] as const).map((kind) => b.node('unary', [x], { kind }, { name: kind }));
    const session = await InferenceSession.create(compile(b.finish([up!, down!])));
    const feeds = { x: new Tensor(Float32Array.of(-1, 2), [2]) };
    const target = new Tensor(new Float32Array(2), [2]);
    expect(Object.keys(await session.run(feeds))).toEqual(['abs', 'neg']);
    expect(Object.keys(await session.run(feeds, { tag: 'options' }))).toEqual(['abs', 'neg']);
    expect(Object.keys(await session.run(feeds, ['neg']))).toEqual(['neg']);
    const { abs } = await session.run(feeds, { abs: target });
    expect(abs).toBe(target);
    expect(target.data).toEqual(Float32Array.of(1, 2));
    await rejects(() => session.run(feeds, ['sum']), 'BAD_ARGUMENT', /no output "sum"; it has "abs", "neg"/);
    await rejects(() => session.run(feeds, []), 'BAD_ARGUMENT', /empty/);
    const wrong = new Tensor(new Int32Array(2), [2]);
    await rejects(
      () => session.run(feeds, { abs: wrong }),
      'TYPE_MISMATCH',
      /"abs" is float32 \[2\], .* is int32 \[2\]/,
    );
  });

  test('takes and returns whole numbers of 32 and 64 bits, and checks their range', async () => {
    const narrow = await converted(adding('int32'));
    const wide = await converted(adding('int64'));
    for (const session of [narrow, wide]) {
      for (const x of [new Tensor('int32', [1, -7], [2]), new Tensor('int64', [1n, -7n], [2])]) {
        const { y } = await session.run({ x });
        expect(Array.from(y!.data as Int32Array, Number)).toEqual([2, -6]);
      }
      const large = new Tensor('int64', [0n, 2n ** 31n], [2]);
      await rejects(() => session.run({ x: large }), 'BAD_ARGUMENT', /"x" holds 2147483648 at index 1; .* 32 bits/);
      const floats = new Tensor('float32', [1, 2], [2]);
      await rejects(
        () => session.run({ x: floats }),
        'TYPE_MISMATCH',
        /takes a tensor of the type int.*, not float32 \[2\]/,
      );
    }
    expect([narrow, wide].map(({ outputMetadata: [y] }) => y!.type)).toEqual(['int32', 'int64']);
    expect((await wide.run({ x: new Tensor('int64', [1n, 2n], [2]) })).y!.data).toEqual(BigInt64Array.of(2n, 3n));
  });

  test('refuses wrong names and shapes with advice', async () => {
    const session = await InferenceSession.create(digits);
    const image = (...dims: number[]): Tensor => new Tensor(new Float32Array(784), dims);
    await rejects(
      () => session.run({ picture: image(1, 28, 28, 1) }),
      'MISSING_INPUT',
      /takes "image", it got "picture"/,
    );
    await rejects(
      () => session.run({}),
      'MISSING_INPUT',
      /lacks its input "image"; its inputs are "image", it got none/,
    );
    await rejects(() => session.run(image(784) as never), 'TYPE_MISMATCH', /\{ image: tensor \}, not a tensor/);
    await rejects(
      () => session.run({ image: image(1, 784) }),
      'SHAPE_MISMATCH',
      /"image" has the shape \[1, 28, 28, 1\], the tensor \[1, 784\]; shapes are fixed .* --shape image=1,784/,
    );
    await rejects(
      () => session.run({ image: image(1, 1, 28, 28) }),
      'SHAPE_MISMATCH',
      /tensor\.reshape\(\[1, 28, 28, 1\]\)/,
    );
    const rgb = await converted(files['network.onnx']!);
    const last = new Tensor(new Float32Array(192), [1, 8, 8, 3]);
    await rejects(() => rgb.run({ image: last }), 'SHAPE_MISMATCH', /another order, .*channels first/);
    await rejects(
      () => rgb.run({ image: new Tensor(new Float32Array(3 * 81), [1, 3, 9, 9]) }),
      'SHAPE_MISMATCH',
      /--shape image=1,3,9,9/,
    );
  });

  test('continues from its state, and is released once', async () => {
    const b = new GraphBuilder('counter');
    const x = b.input('x', [1]);
    const total = b.state('total', [1], new Float32Array(1));
    const sum = b.node('binary', [total, x], { kind: 'add', activation: 'none' }, { name: 'sum' });
    b.assign(total, sum);
    const session = await InferenceSession.create(compile(b.finish([sum])));
    const feeds = { x: new Tensor(Float32Array.of(2), [1]) };
    await session.run(feeds);
    expect((await session.run(feeds)).sum!.data[0]).toBe(4);
    session.model.reset();
    expect((await session.run(feeds)).sum!.data[0]).toBe(2);
    await session.release();
    await session.release();
    await rejects(() => session.run(feeds), 'DISPOSED', /was disposed; load it again/);
  });

  test('has as many threads as env or the options say', async () => {
    env.wasm.numThreads = 2;
    const many = await InferenceSession.create(digits);
    // the script of the threads is in dist/ only
    expect(many.model.info.threads === 2 || many.model.info.singleThreadReason !== undefined).toBe(true);
    await many.release();
    const one = await InferenceSession.create(digits, { intraOpNumThreads: 1 });
    expect(one.model.info).toMatchObject({ threads: 1 });
    expect(one.model.info.singleThreadReason).toBeUndefined();
    env.wasm.numThreads = 0;
    expect((await InferenceSession.create(digits)).model.info.threads).toBe(1);
  });

  test('refuses misspelled options, places on the GPU, and profiling', async () => {
    const wrong = (options: object) => () => InferenceSession.create(digits, options);
    await rejects(wrong({ executionProvider: [] }), 'BAD_ARGUMENT', /did you mean "executionProviders"/);
    await rejects(wrong({ preferredOutputLocation: 'gpu-buffer' }), 'BAD_ARGUMENT', /no outputs in "gpu-buffer"/);
    await rejects(wrong({ preferredOutputLocation: { y: 'texture' } }), 'BAD_ARGUMENT', /does not use the GPU/);
    const session = await InferenceSession.create(digits, { preferredOutputLocation: { scores: 'cpu' } });
    expect(() => session.startProfiling()).toThrow(/session\.model\.profile\(\)/);
    expect(() => session.endProfiling()).toThrow(KletError);
  });
});

describe('a file of ONNX', () => {
  test('needs the compiler, and the error says how to give it', async () => {
    await rejects(
      () => InferenceSession.create(files['network.onnx']!),
      'BAD_MAGIC',
      /npx kinglet convert, .* ort\.env\.compiler = \(\) => import\('kinglet\/compiler'\)/,
    );
    env.compiler = {} as never;
    await rejects(() => InferenceSession.create(digits), 'BAD_ARGUMENT', /the module kinglet\/compiler, .* not Object/);
    env.compiler = () => Promise.reject(new Error('offline'));
    await rejects(
      () => InferenceSession.create(files['network.onnx']!),
      'BAD_ARGUMENT',
      /could not be loaded: .*offline/,
    );
  });

  test('is converted while it is loaded, with the compiler or a function that loads it', async () => {
    const image = new Tensor('float32', new Array(192).fill(0.5), [1, 3, 8, 8]);
    for (const given of [compiler, () => compiler, () => Promise.resolve(compiler)]) {
      env.compiler = given;
      const session = await InferenceSession.create(files['network.onnx']!);
      const { scores } = await session.run({ image });
      expect(Array.from(scores!.data as Float32Array, (x) => x.toFixed(3))).toEqual(['0.000', '0.000', '0.275',
        '0.650']);
    }
  });

  test('does not load the compiler for .klet files', async () => {
    env.compiler = () => Promise.reject(new Error('loaded'));
    expect((await InferenceSession.create(digits)).inputNames).toEqual(['image']);
  });

  test('takes open sizes by input and by their names', async () => {
    env.compiler = compiler;
    const open = files['open.onnx']!;
    await rejects(() => InferenceSession.create(open), 'INVALID_GRAPH', /leaves sizes of its inputs open/);
    const shapeOf = async (options: InferenceSession.SessionOptions): Promise<unknown> =>
      (await InferenceSession.create(open, options)).inputMetadata[0]!.shape;
    expect(await shapeOf({ shapes: { image: [1, 3, 6, 5] } })).toEqual([1, 3, 6, 5]);
    expect(await shapeOf({ freeDimensionOverrides: { height: 6, width: 5 } })).toEqual([1, 3, 6, 5]);
    expect(await shapeOf({ freeDimensionOverrides: { batch: 2, height: 6, width: 5 } })).toEqual([2, 3, 6, 5]);
    await rejects(
      () => InferenceSession.create(open, { freeDimensionOverrides: { depth: 6 } }),
      'BAD_ARGUMENT',
      /no size "depth" of its inputs open; those are "batch", "height", "width"/,
    );
  });

  test('reads weights beside it, from a folder, a server, and externalData', async () => {
    env.compiler = compiler;
    const { bytes, weights } = withExternalWeights();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kinglet-ort-'));
    const server = createServer((request, response) => {
      const known: Record<string, Uint8Array> = { '/a/net.onnx?v=1': bytes, '/a/net.bin?v=1': weights };
      response.writeHead(known[request.url!] ? 200 : 404).end(known[request.url!]);
    }).listen(0);
    try {
      writeFileSync(path.join(folder, 'net.onnx'), bytes);
      writeFileSync(path.join(folder, 'net.bin'), weights);
      const { port } = server.address() as AddressInfo;
      const externalData = [{ path: './net.bin', data: weights }];
      const sessions = [await InferenceSession.create(path.join(folder, 'net.onnx')),
        await InferenceSession.create(`http://localhost:${port}/a/net.onnx?v=1`),
        await InferenceSession.create(bytes, { externalData }),
        await InferenceSession.create(bytes, { externalData: [path.join(folder, 'net.bin')] })];
      for (const session of sessions) {
        expect((await session.run({ x: new Tensor(Float32Array.of(1, 2), [2]) })).y!.data)
          .toEqual(Float32Array.of(4, 6));
      }
      await rejects(() => InferenceSession.create(bytes), 'BAD_ARGUMENT', /in the file "net\.bin"; pass the address/);
    } finally {
      server.close();
      rmSync(folder, { recursive: true });
    }
  });
});

/** A network y = x + w whose weights [3, 4] are in another file. */
function withExternalWeights(): { bytes: Uint8Array; weights: Uint8Array } {
  const value = {
    name: 'w',
    dims: [2n],
    dataType: onnxTypes.float,
    dataLocation: 1,
    externalData: [{ key: 'location', value: 'net.bin' }],
  };
  const bytes = writeOnnx({
    nodes: [{ op: 'Constant', inputs: [], outputs: ['w'], attributes: { value } }, {
      op: 'Add',
      inputs: ['x', 'w'],
      outputs: ['y'],
    }],
    inputs: [{ name: 'x', shape: [2] }],
    outputs: [{ name: 'y' }],
  });
  return { bytes, weights: new Uint8Array(Float32Array.of(3, 4).buffer) };
}

test('the default export has all names', () => {
  expect(ort.InferenceSession).toBe(InferenceSession);
  expect(ort.Tensor).toBe(Tensor);
  expect(ort.env).toBe(env);
});
