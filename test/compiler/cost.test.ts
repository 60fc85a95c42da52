import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, type Graph } from '../../src/compiler/index';
import type { KletError } from '../../src/index';
import { planMemory } from '../../src/compiler/memory';
import type { Buffer } from '../../src/ops/emitter';

// What a small network may ask of the compiler is limited and told.

function failure(action: () => unknown): KletError {
  try {
    action();
  } catch (error) {
    return error as KletError;
  }
  throw new Error('nothing was thrown');
}

/** x + a constant of one number that is repeated `count` times. */
function repeatedConstant(count: number): Graph {
  const b = new GraphBuilder('repeated');
  const x = b.input('x', [1]);
  const large = b.node('broadcastTo', [b.constant(Float32Array.of(1), [1])], {}, { shape: [count], name: 'large' });
  return b.finish([b.node('binary', [x, large], { kind: 'add', activation: 'none' }, { name: 'sum' })]);
}

describe('compile', () => {
  test('folds no constant that is much larger than those of the network', () => {
    expect(failure(() => compile(repeatedConstant(2 ** 24 + 1)))).toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: 'node "large" (broadcastTo) has constant inputs and makes a constant of 67108868 bytes; the limit is '
        + '67108864, the larger of 64 MiB and 4 times the constants of the network',
    });
    expect(compile(repeatedConstant(2 ** 16)).length).toBeGreaterThan(4 * 2 ** 16);
  });

  test('compares the arena with maxMemory before it makes a memory of that size', () => {
    const b = new GraphBuilder('wide');
    const x = b.input('x', [1]);
    const graph = b.finish([b.node('broadcastTo', [x], {}, { shape: [2 ** 28], name: 'y' })]);
    const { code, message } = failure(() => compile(graph, { maxMemory: 2 ** 28 }));
    expect(code).toBe('OUT_OF_MEMORY');
    expect(message).toMatch(/^"wide" needs \d+ bytes of memory and the limit is 268435456: .* 0 scratch$/);
  });

  test('makes a limited number of records', () => {
    const b = new GraphBuilder('strided');
    const x = b.input('x', [1, 1, 1, 1]);
    const w = b.constant(Float32Array.of(1), [1, 1, 1, 1]);
    const attributes = { stride: [300, 300], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1, activation: 'none' };
    const y = b.node('transposeConv2d', [x, w], attributes as never, { shape: [1, 300, 300, 1], name: 'y' });
    const { code, message } = failure(() => compile(b.finish([y])));
    expect(code).toBe('OUT_OF_MEMORY');
    expect(message).toMatch(/"y" takes the network beyond 65536 records; reduce its strides/);
  });
});

test('the memory plan places ten thousand buffers that live at once', () => {
  const buffers = Array.from(
    { length: 10_000 },
    (_, i): Buffer => ({ name: `${i}`, bytes: 16, offset: 0, first: 0, last: 1 }),
  );
  expect(planMemory(buffers)).toBe(160_000);
  expect(new Set(buffers.map(({ offset }) => offset)).size).toBe(10_000);
});
