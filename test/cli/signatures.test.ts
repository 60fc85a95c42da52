import { describe, expect, it } from 'vitest';
import { loadSync } from '../../src/index';
import { writeTflite } from '../tflite/writer';
import { kinglet, temporaryFolder } from './cli';

const files = temporaryFolder();
const several = files.write(
  'several.tflite',
  writeTflite({
    tensors: ['x', 'loss', 'scores'].map((name) => ({ name, shape: [2], type: 'FLOAT32' as const })),
    operators: [{ kind: 'ABS', inputs: ['x'], outputs: ['loss'] }, { kind: 'NEG', inputs: ['x'], outputs: ['scores'] }],
    inputs: ['x'],
    outputs: [],
    signatures: [{ key: 'compute_loss', inputs: { x: 'x' }, outputs: { loss: 'loss' } }, {
      key: 'predict',
      inputs: { x: 'x' },
      outputs: { scores: 'scores' },
    }],
  }),
);
const outputsOf = (name: string): string[] => loadSync(new Uint8Array(files.read(name))).outputs.map((o) => o.name);

describe('a file with several signatures', () => {
  it('is converted by its signature for prediction, and a note lists the others', async () => {
    const { code, err } = await kinglet('convert', several, '-o', files.at('default.klet'));
    expect(code).toBe(0);
    expect(err).toContain('the signature "predict" was taken; --signature takes another: "compute_loss"');
    expect(outputsOf('default.klet')).toEqual(['scores']);
    expect((await kinglet('inspect', several)).err).toContain('--signature takes another: "compute_loss"');
  });

  it('is converted by the requested signature', async () => {
    const { code, err } = await kinglet('convert', several, '-o', files.at('loss.klet'), '--signature', 'compute_loss');
    expect([code, err]).toEqual([0, '']);
    expect(outputsOf('loss.klet')).toEqual(['loss']);
    expect((await kinglet('inspect', several, '--signature', 'compute_loss')).out).toContain('loss');
  });

  it('is refused if it lacks the requested signature', async () => {
    const { code, err } = await kinglet('inspect', several, '--signature', 'train');
    expect(code).toBe(1);
    expect(err).toContain('there is no signature "train"; the file has "compute_loss", "predict"');
  });
});
