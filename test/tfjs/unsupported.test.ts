import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as converter from '@tensorflow/tfjs-converter';
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import * as tf from '../../src/tfjs/index';
import * as unsupported from '../../src/tfjs/unsupportedNames';
import { refuses } from '../robustness/refusal';

type AnyFunction = (...values: unknown[]) => unknown;

describe('what kinglet/tfjs lacks', () => {
  const all = { ...core, ...layers, ...converter } as Record<string, unknown>;
  const names = Object.keys(all).filter((name) => /^[a-z]/.test(name) && name !== 'default');

  test('is there by name, as something that throws', () => {
    expect(names.length).toBeGreaterThan(250);
    expect(names.filter((name) => !(name in tf))).toEqual([]);
    for (const [name, value] of Object.entries<unknown>(unsupported)) {
      refuses(value as AnyFunction, 'BAD_ARGUMENT', new RegExp(`no tf\\.${name}\\(\\): it has what feeds a network`));
    }
    expect(Object.keys(unsupported).filter((name) => !names.includes(name))).toEqual(['data', 'version']);
  });

  test('is named with the members of namespaces', () => {
    const members = tf as unknown as Record<string, Record<string, AnyFunction>>;
    refuses(() => members.train!.adam!(0.1), 'BAD_ARGUMENT', /no tf\.train\.adam\(\)/);
    refuses(() => members.layers!.dense!({}), 'BAD_ARGUMENT', /no tf\.layers\.dense\(\)/);
    refuses(() => members.data!.webcam!(null), 'BAD_ARGUMENT', /no tf\.data\.webcam\(\)/);
    refuses(() => members.image!.cropAndResize!(), 'BAD_ARGUMENT', /no tf\.image\.cropAndResize\(\)/);
    refuses(() => members.browser!.toPixels!(), 'BAD_ARGUMENT', /no tf\.browser\.toPixels\(\)/);
    refuses(
      () => (tf.engine() as unknown as Record<string, AnyFunction>).reset!(),
      'BAD_ARGUMENT',
      /tf\.engine\(\)\.reset/,
    );
    refuses(() => Reflect.construct(members.sequential as never, []), 'BAD_ARGUMENT', /no tf\.sequential/);
    expect(Object.keys(tf.image)).toEqual(['resizeBilinear', 'resizeNearestNeighbor']);
    expect(`${typeof members.train}`).toBe('function');
  });

  test('includes methods of tensors and models', async () => {
    const tensor = tf.tensor([1, 2]) as unknown as Record<string, AnyFunction>;
    refuses(() => tensor.matMul!(tensor), 'BAD_ARGUMENT', /no tensor\.matMul\(\)/);
    const folder = 'node_modules/@tensorflow/tfjs-core/dist/public/chained_ops';
    const chained = readdirSync(folder).filter((file) => /^(?!.*test).*\.js$/.test(file)).flatMap((file) =>
      [...readFileSync(path.join(folder, file), 'utf8').matchAll(/\.prototype\.(\w+) =/g)].map(([, name]) => name!)
    );
    expect(chained.length).toBeGreaterThan(100);
    const own = Object.getOwnPropertyNames(core.Tensor.prototype).filter((name) =>
      !['constructor', 'throwIfDisposed', 'kept'].includes(name)
    );
    const missing = [...chained, ...own].filter((name) => !(name in tf.Tensor.prototype));
    expect(missing).toEqual([]);
    const model = await tf.loadLayersModel('models/digits/digits.klet') as unknown as Record<string, AnyFunction>;
    refuses(() => model.fit!(), 'BAD_ARGUMENT', /no model\.fit\(\)/);
  });
});
