import fc from 'fast-check';
import { test } from 'vitest';
import type { DType, TensorData } from '../../src/graph/graph';
import { checkGraph, constant, property, Random, single, tensor } from './suite';

test('gather equals the reference, and clamps indices that are out of range', () => {
  const spec = fc.record({
    batch: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    middle: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 1 }),
    count: fc.integer({ min: 1, max: 9 }),
    inner: fc.array(fc.constantFrom(1, 2, 5, 17), { maxLength: 2 }),
    indices: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
    dtype: fc.constantFrom<DType>('int8', 'float32', 'int32', 'uint8'),
    isConstant: fc.boolean(),
    seed: fc.nat(),
  });
  property(spec, 250, ({ batch, middle, count, inner, indices, dtype, isConstant, seed }) => {
    const random = new Random(seed);
    const shape = [...batch, ...middle, count, ...inner];
    const quantization = dtype === 'int8' || dtype === 'uint8' ? { scale: 0.5, zeroPoint: 3 } : undefined;
    const x = isConstant ? constant(random, 'x', shape, dtype, quantization) : tensor('x', shape, dtype, quantization);
    const at = tensor('at', [...batch, ...indices], 'int32');
    const y = tensor('y', [...batch, ...middle, ...indices, ...inner], dtype, quantization);
    const graph = single('gather', [x, at], { axis: batch.length + middle.length, batchDims: batch.length }, y);
    const inputs: Record<string, TensorData> = {
      at: Int32Array.from({ length: [...batch, ...indices].reduce((a, b) => a * b, 1) }, () => random.int(-1, count)),
    };
    if (!isConstant) inputs.x = constant(random, 'x', shape, dtype).data as TensorData;
    checkGraph(graph, seed, undefined, inputs);
  });
});
