import { describe, expect, test } from 'vitest';
import { operators, oracleCases } from '../../bench/oracle/cases';
import { importTflite } from '../../src/compiler/index';
import { inferShapes, shapeRules } from '../../src/importers/tflite/shapes';
import { writeTflite } from '../tflite/writer';

// Networks of one operator with the sizes of the inputs only: the shapes of all other tensors must
// follow.

describe('shapes that the file leaves open', () => {
  const kinds = operators.filter((kind) => shapeRules.has(kind));

  test.each(kinds)('follow from the inputs of %s', (kind) => {
    for (const { tensors, operators, inputs, outputs } of oracleCases({ variants: 8, samples: 1, only: [kind] })) {
      const open = tensors.map((tensor) => {
        if (tensor.data || inputs.includes(tensor.name)) return tensor;
        return { ...tensor, shape: tensor.shape.map(() => 1), shapeSignature: tensor.shape.map(() => -1) };
      });
      const graph = importTflite(writeTflite({ tensors: open, operators, inputs, outputs }));
      expect(graph.outputs.map(({ shape }) => shape)).toEqual(outputs.map((name) =>
        tensors.find((tensor) => tensor.name === name)!.shape
      ));
    }
  });

  test('stay open without a rule or with sizes that are not whole', () => {
    const facts = {
      shape: () => [3, 1, 1, 8],
      values: () => [2, 1],
      inputs: 1,
      outputs: 1,
      options: { blockSize: 3 },
      customOptions: new Uint8Array(0),
    };
    expect(inferShapes('WHERE', facts)).toEqual([]);
    expect(inferShapes('DEPTH_TO_SPACE', facts)).toEqual([undefined]);
  });
});
