import { describe, expect, test } from 'vitest';
import { compile, importTflite, toStream } from '../../src/compiler/index';
import { loadSync, type Model } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { refuses } from '../robustness/refusal';
import { writeTflite, type TfliteNetwork, type TfliteOperator, type TfliteTensor } from '../tflite/writer';

// Resource variables of TensorFlow Lite: VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE, and CALL_ONCE,
// which sets their initial values.

const float = (name: string, shape: number[], data?: number[]): TfliteTensor => ({
  name,
  shape,
  type: 'FLOAT32',
  ...(data && { data }),
});
const resource = (name: string): TfliteTensor => ({ name, shape: [], type: 'RESOURCE' });
const handle = (to: string, sharedName: string): TfliteOperator => ({
  kind: 'VAR_HANDLE',
  inputs: [],
  outputs: [to],
  options: { container: '', sharedName },
});
const read = (from: string, to: string): TfliteOperator => ({ kind: 'READ_VARIABLE', inputs: [from], outputs: [to] });
const assign = (to: string, value: string): TfliteOperator => ({
  kind: 'ASSIGN_VARIABLE',
  inputs: [to, value],
  outputs: [],
});
const add = (a: string, b: string, y: string): TfliteOperator => ({ kind: 'ADD', inputs: [a, b], outputs: [y] });
const once: TfliteOperator = { kind: 'CALL_ONCE', inputs: [], outputs: [], options: { initSubgraphIndex: 1 } };

/** The subgraph that gives variables their first values. */
function initial(values: Record<string, TfliteTensor>): NonNullable<TfliteNetwork['others']> {
  const entries = Object.entries(values);
  const tensors = entries.flatMap((
    [name, value],
  ) => [resource(`handle of ${name}`), { ...value, name: `value of ${name}` }]);
  return [{
    tensors,
    operators: entries.flatMap((
      [name],
    ) => [handle(`handle of ${name}`, name), assign(`handle of ${name}`, `value of ${name}`)]),
    inputs: [],
    outputs: [],
  }];
}

/** y = sum + x; sum = y. */
function running(rest: Partial<TfliteNetwork> = {}): TfliteNetwork {
  return {
    tensors: [float('x', [2]), resource('h'), float('sum', [2]), float('y', [2])],
    inputs: ['x'],
    outputs: ['y'],
    operators: [once, handle('h', 'total'), read('h', 'sum'), add('sum', 'x', 'y'), assign('h', 'y')],
    others: initial({ total: float('', [2], [10, 20]) }),
    ...rest,
  };
}

const modelsOf = (network: TfliteNetwork): Model[] =>
  flavors.map((flavor) => loadSync(compile(importTflite(writeTflite(network))), { flavor }));
const answers = (model: Model, inputs: number[][]): number[][] => inputs.map((x) => [...model.predict(x)]);

describe('variables', () => {
  test('are states: CALL_ONCE initializes them, each run updates them, and reset() restores them', () => {
    expect(importTflite(writeTflite(running())).states).toMatchObject([{
      value: { name: 'total', shape: [2], dtype: 'float32' },
      next: { name: 'y' },
      initial: new Float32Array([10, 20]),
    }]);
    for (const model of modelsOf(running())) {
      const inputs = [[1, 2], [3, 4], [5, 6]];
      const expected = [[11, 22], [14, 26], [19, 32]];
      expect(answers(model, inputs)).toEqual(expected);
      model.reset();
      expect(answers(model, inputs)).toEqual(expected);
      expect(model.memory.state).toBe(8);
    }
  });

  test('return the old value when read before the assignment, and the new value when read after it', () => {
    const network = running({
      tensors: [float('x', [2]), resource('h'), resource('again'), float('sum', [2]), float('more', [2]),
        float('seen', [2]), float('twice', [2]), float('last', [2]), float('y', [2])],
      operators: [once, handle('h', 'total'), handle('again', 'total'), read('h', 'sum'), add('sum', 'x', 'more'),
        assign('again', 'more'), read('h', 'seen'), add('seen', 'seen', 'twice'), assign('h', 'twice'),
        read('again', 'last'), add('last', 'x', 'y')],
    });
    let total = [10, 20];
    const expected = [[1, 2], [3, 4]].map(([a, b]) => {
      total = [2 * (total[0]! + a!), 2 * (total[1]! + b!)];
      return [total[0]! + a!, total[1]! + b!];
    });
    for (const model of modelsOf(network)) expect(answers(model, [[1, 2], [3, 4]])).toEqual(expected);
  });

  test('that no run changes are constants', () => {
    const network = running({ operators: [once, handle('h', 'total'), read('h', 'sum'), add('sum', 'x', 'y')] });
    const graph = importTflite(writeTflite(network));
    expect(graph.states).toBeUndefined();
    expect(graph.nodes.map(({ op }) => op)).toEqual(['binary']);
    for (const model of modelsOf(network)) {
      expect(answers(model, [[1, 2], [1, 2]])).toEqual([[11, 22], [11, 22]]);
      expect(model.memory.state).toBe(0);
    }
  });

  test('assigned before they are read need no initial value, and those never read are left out', () => {
    const network = running({
      operators: [handle('h', 'total'), assign('h', 'x'), read('h', 'sum'), add('sum', 'x', 'y'), assign('h', 'y')],
      others: [],
    });
    expect(importTflite(writeTflite(network)).states).toBeUndefined();
    for (const model of modelsOf(network)) expect(answers(model, [[1, 2], [1, 2]])).toEqual([[2, 4], [2, 4]]);
  });

  test.each([['INT8', 5], ['UINT8', 133]] as const)('of %s keep their quantization', (type, zeroPoint) => {
    const quantized = (name: string, data?: number[]): TfliteTensor => ({
      name,
      shape: [2],
      type,
      quantization: { scale: 0.5, zeroPoint },
      ...(data && { data }),
    });
    const network = running({
      tensors: [quantized('x'), resource('h'), quantized('sum'), quantized('y')],
      others: initial({ total: quantized('', [zeroPoint + 2, zeroPoint - 4]) }),
    });
    for (const model of modelsOf(network)) {
      expect(answers(model, [[1, 2], [3, 4], [-1, 0.5]])).toEqual([[2, 0], [5, 4], [4, 4.5]]);
    }
  });

  test('are not supported by toStream', () => {
    const graph =
      importTflite(writeTflite(running({
        tensors: [float('x', [1, 4]), resource('h'), float('sum', [1, 4]), float('y', [1, 4])],
        others: initial({ total: float('', [1, 4], [1, 2, 3, 4]) }),
      })));
    refuses(() => toStream(graph), 'UNSUPPORTED_OP', /state "total"/);
  });
});

describe('unsupported forms of variables are refused by name', () => {
  const refusal = (network: TfliteNetwork, ...about: RegExp[]): void => {
    refuses(() => importTflite(writeTflite(network)), 'UNSUPPORTED_OP', ...about);
  };

  test('without an initial value', () => {
    refusal(
      running({ others: [], operators: running().operators.slice(1) }),
      /READ_VARIABLE with no initial value.*"sum"/,
    );
    refusal(running({ others: initial({ other: float('', [2], [1, 2]) }) }), /READ_VARIABLE with no initial value/);
  });

  test('with an initial value that is computed', () => {
    const others: TfliteNetwork['others'] = [{
      tensors: [resource('h'), float('ones', [2], [1, 1]), float('negated', [2])],
      inputs: [],
      outputs: [],
      operators: [handle('h', 'total'), { kind: 'NEG', inputs: ['ones'], outputs: ['negated'] },
        assign('h', 'negated')],
    }];
    refusal(running({ others }), /READ_VARIABLE with an initial value that NEG computes.*"sum"/);
  });

  test('with values of several shapes', () => {
    refusal(running({ others: initial({ total: float('', [1], [10]) }) }), /an initial value of another type or shape/);
    const network = running();
    refusal({
      ...network,
      tensors: [...network.tensors, float('wide', [2, 1])],
      operators: [...network.operators.slice(0, 4), {
        kind: 'RESHAPE',
        inputs: ['y'],
        outputs: ['wide'],
        options: { newShape: [2, 1] },
      }, assign('h', 'wide')],
    }, /ASSIGN_VARIABLE with a value whose type, shape or quantization differs.*"wide"/);
  });

  test('with handles that are computed', () => {
    const network = running();
    refusal(
      { ...network, inputs: ['x'], operators: [read('h', 'sum'), add('sum', 'x', 'y'), assign('h', 'y')], others: [] },
      /ASSIGN_VARIABLE with a handle that is computed.*"y"/,
      /READ_VARIABLE with a handle that is computed.*"sum"/,
    );
  });

  test('with a CALL_ONCE of a missing subgraph', () => {
    refuses(() => importTflite(writeTflite(running({ others: [] }))), 'CORRUPT', /CALL_ONCE names the subgraph 1 of 1/);
  });
});
