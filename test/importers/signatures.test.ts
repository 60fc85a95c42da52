import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiler/index';
import { importTflite, tflite } from '../../src/importers/tflite';
import { loadSync } from '../../src/index';
import type { Signature } from '../tflite/writer';
import { float, network } from './networks';

describe('names of inputs and outputs', () => {
  it('name inputs and outputs by the signature', () => {
    const graph =
      importTflite(network([float('serving:0', [2]), float('call:0', [2])], [{
        kind: 'NEG',
        inputs: [0],
        outputs: [1],
      }], { signature: { inputs: { image: 0 }, outputs: { scores: 1 } } }));
    expect([graph.inputs[0]!.name, graph.outputs[0]!.name]).toEqual(['image', 'scores']);
  });

  it('keep the names of a signature for outputs that are inputs, constants or listed twice', () => {
    const tensors = [float('x', [2]), float('y', [2]), float('c', [2], [3, 4])];
    const graph =
      importTflite(network(tensors, [{ kind: 'NEG', inputs: ['x'], outputs: ['y'] }], {
        outputs: ['y', 'x', 'c', 'y'],
        signature: { inputs: { image: 'x' }, outputs: { code: 'y', same: 'x', anchors: 'c', embedding: 'y' } },
      }));
    expect(graph.inputs.map((t) => t.name)).toEqual(['image']);
    expect(graph.outputs.map((t) => t.name)).toEqual(['code', 'same', 'anchors', 'embedding']);
    const model = loadSync(compile(graph));
    expect(model.predict({ image: Float32Array.of(1, 2) })).toEqual({
      code: Float32Array.of(-1, -2),
      same: Float32Array.of(1, 2),
      anchors: Float32Array.of(3, 4),
      embedding: Float32Array.of(-1, -2),
    });
  });

  it('come from the signature for prediction, or from the requested one', () => {
    const signature = (key: string, output: string): Signature => ({
      key,
      inputs: { x: 'x' },
      outputs: { [output]: output },
    });
    const file = (...signatures: Signature[]): Uint8Array =>
      network([float('x', [2]), float('loss', [2]), float('scores', [2])], [{
        kind: 'ABS',
        inputs: ['x'],
        outputs: ['loss'],
      }, { kind: 'NEG', inputs: ['x'], outputs: ['scores'] }], { outputs: ['loss'], signatures });
    const outputsOf = (bytes: Uint8Array, key?: string): string[] =>
      importTflite(bytes, key === undefined ? {} : { signature: key }).outputs.map(({ name }) => name);
    const several = file(signature('compute_loss', 'loss'), signature('predict', 'scores'));
    expect(outputsOf(several)).toContain('scores');
    expect(outputsOf(several, 'compute_loss')).toEqual(['loss']);
    expect(tflite.signatures!(several)).toEqual({ keys: ['compute_loss', 'predict'], chosen: 'predict' });
    expect(() => outputsOf(several, 'train')).toThrow(/no signature "train"; the file has "compute_loss", "predict"/);
    expect(outputsOf(file(signature('a', 'loss'), signature('b', 'scores')))).toEqual(['loss']);
    expect(() => outputsOf(file(), 'a')).toThrow(/the file has no signatures/);
  });
});
