import { describe, expect, test } from 'vitest';
import { tfjs } from '../../../src/importers/tfjs/index';
import { compareGolden, goldenFolder, importGolden } from '../goldens';

const folder = goldenFolder('tfjs');
const isLayers = (name: string): boolean => JSON.stringify(folder.golden(name)).includes('tfjs-layers');
const isRefused = (name: string): boolean => name.startsWith('refuse_');

describe('public TensorFlow.js networks', () => {
  test.each(folder.networks.filter((name) => !isRefused(name) && !isLayers(name)))(
    '%s gives what TensorFlow.js gives',
    (name) => {
      const comparisons = compareGolden(importGolden(tfjs, folder, name), folder, name);
      expect(comparisons.length).toBeGreaterThan(0);
      for (const { output, difference } of comparisons) expect(difference, output).toBeLessThanOrEqual(1e-4);
    },
  );

  test.each(folder.networks.filter(isRefused))('%s is refused with all that is unsupported', (name) => {
    const files = folder.files(name);
    expect(() => tfjs.import(files['model.json']!, { name, files }))
      .toThrow(/operators that kinglet lacks(.|\n)*StatelessWhile(.|\n)*SparseSegmentSum(.|\n)*"inputs" \(string\)/);
  });
});
