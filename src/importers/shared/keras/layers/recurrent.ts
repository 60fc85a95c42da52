import type { Tensor } from '../../../../graph/graph';
import type { CellActivation } from '../../../../graph/operators';
import { activationName } from '../activations';
import { isObject } from '../config';
import { tensorsIn, type KerasLayer, type Mapping, type Mappings } from '../layer';
import { layerSpec } from '../model';
import type { Step } from '../weights';

/** Cells by the layers of their own, with their numbers of gates and states. */
const cells: Record<string, { gates: number; states: number }> = {
  LSTM: { gates: 4, states: 2 },
  GRU: { gates: 3, states: 1 },
  SimpleRNN: { gates: 1, states: 1 },
};

/** What a recurrent layer gives: all its time steps, and the final states of its cells. */
interface Result {
  steps: Tensor;
  states: Tensor[];
}

/** How a layer runs its cells. */
interface Run {
  x: Tensor;
  isReversed: boolean;
  initial: readonly Tensor[];
}

/** Runs one cell over a sequence [B][T][I]. `layer` has the cell's configuration and weights. */
function runCell(layer: KerasLayer, kind: string, { x, isReversed, initial }: Run): Result {
  const { emit, config } = layer;
  const { gates } = cells[kind]!;
  const n = config.count('units');
  const kernel = layer.weight('kernel', [x.shape.at(-1), gates * n]);
  const recurrent = layer.weight('recurrent_kernel', [n, gates * n]);
  const resetAfter = kind === 'GRU' && config.boolean('reset_after', false);
  const bias = config.boolean('use_bias', true)
    ? layer.weight('bias', resetAfter ? [2, gates * n] : [gates * n])
    : null;
  const w = emit.transpose(kernel, [1, 0]);
  const u = emit.transpose(recurrent, [1, 0]);
  layer.check(initial.length === 0, 'initial states');
  const activation = cellActivation(layer, 'activation', 'tanh');
  const along = { timeMajor: false, reverse: isReversed };
  if (kind !== 'SimpleRNN') {
    const gate = activationName(config.raw('recurrent_activation') ?? 'sigmoid');
    layer.check(gate === 'sigmoid', `the recurrent activation "${gate}"`);
  }
  if (kind === 'LSTM') {
    const steps = emit.node('lstm', [x, w, u, bias], { ...along, activation, cellClip: 0, projectionClip: 0 });
    return { steps, states: [] };
  }
  if (kind === 'SimpleRNN') return { steps: emit.node('rnn', [x, w, u, bias], { ...along, activation }), states: [] };
  layer.check(activation === 'tanh', `the activation "${activation}"`);
  const [own, other] = resetAfter && bias
    ? emit.split(bias, 0, [1, 1]).map((part) => emit.reshape(part, [gates * n]))
    : [bias];
  return { steps: emit.node('gru', [x, w, u, own ?? null, other ?? null], { ...along, resetAfter }), states: [] };
}

function cellActivation(layer: KerasLayer, key: string, otherwise: string): CellActivation {
  const name = activationName(layer.config.raw(key) ?? otherwise);
  if (name === 'linear') return 'none';
  layer.check(name === 'tanh' || name === 'relu', `the activation "${name}"`);
  return name as CellActivation;
}

/** The cells of a layer: that of its own, or those that an RNN is given. */
function cellsOf(layer: KerasLayer): { kind: string; cell: KerasLayer }[] {
  if (layer.kind !== 'RNN') {
    return [{ kind: layer.kind, cell: layer.part(`${layer.kind}Cell`, { attributes: ['cell'] }) }];
  }
  return partsOf(layer, layer.config.raw('cell'), { attributes: ['cell'] });
}

function partsOf(
  layer: KerasLayer,
  json: unknown,
  step: Partial<Step> & { attributes: readonly string[] },
): { kind: string; cell: KerasLayer }[] {
  // Keras 2 writes a list of cells too
  const list: unknown[] = Array.isArray(json) ? json : [json];
  return list.flatMap((entry) => {
    const { className, config } = layerSpec(entry);
    const part = layer.part(className, step, config);
    if (className === 'StackedRNNCells') {
      const inner = Array.isArray(config.cells) ? (config.cells as unknown[]) : [];
      const counts = new Map<string, number>();
      return inner.flatMap((cell) => {
        const kind = layerSpec(cell).className;
        const ordinal = counts.get(kind) ?? 0;
        counts.set(kind, ordinal + 1);
        return partsOf(part, cell, { attributes: ['cells'], isList: true, ordinal });
      });
    }
    const kind = className.replace(/Cell$/, '');
    layer.check(Object.hasOwn(cells, kind) && className.endsWith('Cell'), `the cell ${className}`);
    return [{ kind, cell: part }];
  });
}

/**
 * Runs a recurrent layer.
 *
 * @param inTimeOrder - Whether the steps of a layer that goes backward are in the order of time.
 */
function runLayer(layer: KerasLayer, inTimeOrder: boolean): Tensor[] {
  const { emit, config } = layer;
  const [x, ...rest] = tensorsIn([layer.args, layer.kwargs.initial_state]) as [Tensor, ...Tensor[]];
  layer.check(!config.boolean('time_major', false), 'time_major');
  layer.check(!config.boolean('stateful', false), 'stateful');
  layer.check(layer.network.maskOf(x) === undefined, 'a mask (of Masking, or of an Embedding with mask_zero)');
  const isReversed = config.boolean('go_backwards', false);
  const all = cellsOf(layer);
  const initial = [...rest];
  const states: Tensor[] = [];
  let steps = emit.cast(x, 'float32');
  layer.check(steps.shape.length === 3, `an input of ${steps.shape.length} dimensions`);
  all.forEach(({ kind, cell }) => {
    const own = initial.splice(0, cells[kind]!.states);
    const result = runCell(cell, kind, { x: steps, isReversed, initial: own });
    steps = result.steps;
    states.push(...result.states);
  });
  const [batch, count, n] = steps.shape as [number, number, number];
  const isWhole = config.boolean('return_sequences', false);
  const output = isWhole
    ? reversedSteps(layer, steps, isReversed && !inTimeOrder)
    : emit.reshape(emit.slice(steps, [0, isReversed ? 0 : count - 1, 0], [batch, 1, n]), [batch, n]);
  if (!config.boolean('return_state', false)) return [output];
  layer.check(states.length > 0, 'return_state');
  return [output, ...states];
}

/** The steps in the order in which they were computed. */
function reversedSteps({ emit }: KerasLayer, steps: Tensor, isTurned: boolean): Tensor {
  if (!isTurned) return steps;
  return emit.slice(steps, [0, steps.shape[1]! - 1, 0], steps.shape, [1, -1, 1]);
}

const recurrent: Mapping = (layer) => runLayer(layer, false);

/** Two layers, one in each direction, and the merge of their outputs */
const bidirectional: Mapping = (layer) => {
  const { emit, config } = layer;
  const forward = layerSpec(config.object('layer'));
  const stated = config.raw('backward_layer');
  const turned = { ...forward, config: { ...forward.config, go_backwards: forward.config.go_backwards !== true } };
  const backward = isObject(stated) ? layerSpec(stated) : turned;
  const isKnown = (name: string): boolean => name === 'RNN' || Object.hasOwn(cells, name);
  layer.check(isKnown(forward.className) && isKnown(backward.className), `the layer ${forward.className}`);
  const initial = tensorsIn([layer.args, layer.kwargs.initial_state]).slice(1);
  const half = initial.length / 2;
  const [x] = layer.inputs as [Tensor];
  const directions = [forward, backward].map((spec, i) => {
    const side = i === 0 ? 'forward' : 'backward';
    const part = layer.part(spec.className, { attributes: [`${side}_layer`], name: side }, spec.config);
    return runLayer(part.withArguments([x, ...initial.slice(i * half, (i + 1) * half)]), true);
  });
  const [[a, ...aStates], [b, ...bStates]] = directions as [[Tensor, ...Tensor[]], [Tensor, ...Tensor[]]];
  const mode = config.raw('merge_mode') === undefined && 'merge_mode' in config.values
    ? null
    : config.string('merge_mode', 'concat');
  const states = [...aStates, ...bStates];
  switch (mode) {
    case null:
      return [a, b, ...states];
    case 'concat':
      return [emit.concat([a, b], a.shape.length - 1), ...states];
    case 'sum':
      return [emit.binary('add', a, b), ...states];
    case 'mul':
      return [emit.binary('mul', a, b), ...states];
    default:
      layer.check(mode === 'ave', `merge_mode "${mode}"`);
      return [emit.binary('mul', emit.binary('add', a, b), 0.5), ...states];
  }
};

/** A layer applied to each time step, which become items of the batch */
const timeDistributed: Mapping = (layer) => {
  const { emit, config, input: x } = layer;
  const [batch, steps, ...rest] = x.shape as [number, number, ...number[]];
  layer.check(rest.length > 0, `an input of ${x.shape.length} dimensions`);
  const items = emit.reshape(x, [batch * steps, ...rest]);
  const outputs = layer.run(config.object('layer'), { attributes: ['layer'] }, [items]);
  return outputs.map((y) => emit.reshape(y, [batch, steps, ...y.shape.slice(1)]));
};

export const recurrents: Mappings = {
  LSTM: recurrent,
  GRU: recurrent,
  SimpleRNN: recurrent,
  RNN: recurrent,
  Bidirectional: bidirectional,
  TimeDistributed: timeDistributed,
};
