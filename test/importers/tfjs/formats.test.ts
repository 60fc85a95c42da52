import { describe, expect, test } from 'vitest';
import type { Graph } from '../../../src/compiler/index';
import { tfjs } from '../../../src/importers/tfjs/index';
import { compareGolden, goldenFolder, importGolden, type Golden } from '../goldens';

const folder = goldenFolder('tfjs');
const isLayers = (name: string): boolean => folder.golden(name).format === 'tfjs-layers';
const isRefused = (name: string): boolean => name.startsWith('refuse_');
const networks = folder.networks.filter((name) => !isRefused(name));

function expectAgreement(graph: Graph, name: string, golden?: Golden): void {
  const comparisons = compareGolden(graph, folder, name, golden);
  expect(comparisons.length).toBeGreaterThan(0);
  for (const { output, difference } of comparisons) expect(difference, output).toBeLessThanOrEqual(1e-4);
}

describe('public TensorFlow.js networks', () => {
  test.each(networks.filter((name) => !isLayers(name)))('the graph %s gives what TensorFlow.js gives', (name) => {
    expectAgreement(importGolden(tfjs, folder, name), name);
  });

  test.each(networks.filter(isLayers))('the layers of %s give what TensorFlow.js gives', (name) => {
    const golden = folder.golden(name);
    const files = folder.files(name);
    const [first, ...others] = golden.inputs;
    const shapes = others.length === 0 ? { '': first!.shape } : {};
    const graph = tfjs.import(files[golden.model]!, { name, files, shapes });
    // TensorFlow.js gives the inputs other names when it loads layers
    const inputs = golden.inputs.map((port, i) => ({ ...port, name: graph.inputs[i]!.name }));
    expectAgreement(graph, name, { ...golden, inputs });
  });

  test.each(folder.networks.filter(isRefused))('%s is refused with all that is unsupported', (name) => {
    const files = folder.files(name);
    expect(() => tfjs.import(files['model.json']!, { name, files }))
      .toThrow(/operators that kinglet lacks(.|\n)*StatelessWhile(.|\n)*SparseSegmentSum(.|\n)*"inputs" \(string\)/);
  });
});
