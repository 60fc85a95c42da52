import { expect, test } from 'vitest';
import { oracleCases } from '../../bench/oracle/cases';
import type { OracleCase } from '../../bench/oracle/maker';
import { compile, importTflite } from '../../src/compiler/index';
import type { TensorData } from '../../src/graph/graph';
import { loadSync } from '../../src/index';
import { distances, epsilon } from '../helpers/realNumbers';

// Every quantized result of random networks of one operator, against the real number.

/**
 * The farthest distances from the real number, in steps, of operators with the rounding of
 * TensorFlow Lite or XNNPACK (docs/kernels/requantization.md). All others round once.
 */
const farthest: Record<string, number> = {
  // factors of 21 bits
  ADD: 0.5002,
  SUB: 0.5002,
  // weights of 11 bits
  RESIZE_BILINEAR: 0.6,
  // rounded after every element
  REDUCE_PROD: 0.7,
  HARD_SWISH: 0.6,
  // integer quotients toward zero, if the scales are equal
  MEAN: 1,
};

const once = ['CONV_2D', 'DEPTHWISE_CONV_2D', 'TRANSPOSE_CONV', 'FULLY_CONNECTED', 'BATCH_MATMUL', 'MUL', 'DIV',
  'SQUARED_DIFFERENCE', 'PRELU', 'LEAKY_RELU', 'LOGISTIC', 'TANH', 'SOFTMAX', 'LOG_SOFTMAX', 'L2_NORMALIZATION',
  'AVERAGE_POOL_2D', 'SUM', 'MAXIMUM', 'CONCATENATION'];

const arrays = { FLOAT32: Float32Array, INT32: Int32Array, INT8: Int8Array, UINT8: Uint8Array };

function farthestOf({ network, samples, tensors, inputs }: OracleCase): number {
  const [node] = importTflite(network).nodes;
  const model = loadSync(compile(importTflite(network)));
  const found = samples.map((sample) => {
    const given = Object.fromEntries(inputs.map((name, i) => {
      const type = tensors.find((tensor) => tensor.name === name)!.type as keyof typeof arrays;
      return [name, new arrays[type](new Uint8Array(sample[i]!).buffer)];
    })) as Record<string, TensorData>;
    return distances(node!, given, model.predict(given, { output: 'raw' }) as TensorData);
  });
  model.dispose();
  return found.flat().reduce((a, b) => Math.max(a, b));
}

test.each([...once, ...Object.keys(farthest)])(
  'quantized results of %s are nearest to the real numbers',
  (operator) => {
    for (const network of oracleCases({ variants: 9, samples: 1, only: [operator] })) {
      if (network.type !== 'int8' && network.type !== 'uint8') continue;
      expect(farthestOf(network), network.name).toBeLessThanOrEqual(farthest[operator] ?? 0.5 + epsilon);
    }
  },
);
