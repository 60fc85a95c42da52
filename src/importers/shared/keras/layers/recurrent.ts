import type { Tensor } from '../../../../graph/graph';
import { emitKerasRecurrent, kerasFunction } from '../../kerasRecurrent';
import { OperatorImport } from '../../operatorImport';
import { activationName } from '../activations';
import { isObject } from '../config';
import { tensorsIn, type KerasLayer, type Mapping, type Mappings } from '../layer';
import { layerSpec } from '../model';
import type { Step } from '../weights';

/** The cells by the names of their layers. */
const cells: Record<string, { cell: 'lstm' | 'gru' | 'rnn'; gates: number; states: number }> = {
  LSTM: { cell: 'lstm', gates: 4, states: 2 },
  GRU: { cell: 'gru', gates: 3, states: 1 },
  SimpleRNN: { cell: 'rnn', gates: 1, states: 1 },
};

/** How a layer runs one of its cells over a sequence [B][T][I]. */
interface Run {
  x: Tensor;
  goBackwards: boolean;
  returnSequences: boolean;
  initialState: readonly Tensor[];
  /** Whether something reads the final states. */
  hasStates: boolean;
}

/** The output of a cell, with steps in the order of time, and its final states [B][N]. */
interface Result {
  output: Tensor;
  states: Tensor[];
}

/** Runs one cell. `layer` has its configuration and weights. */
function runCell(layer: KerasLayer, kind: string, { x, hasStates, ...run }: Run): Result {
  const { emit, config, network } = layer;
  const { gates, states: count, cell } = cells[kind]!;
  const n = config.count(config.has('output_dim') ? 'output_dim' : 'units');
  const resetAfter = kind === 'GRU' && config.boolean('reset_after', false);
  const version = network.version < 3 ? 2 : 3;
  const functionOf = (key: string, otherwise: string) => {
    const name = activationName(config.raw(key) ?? otherwise);
    layer.check(name !== undefined, `a function of a user as ${key}`);
    return kerasFunction(name!, version);
  };
  const batch = x.shape[0]!;
  const temporary = (shape: number[], name: string): Tensor => ({
    name: emit.names.take(`${emit.prefix}/${name}`),
    shape,
    dtype: 'float32',
  });
  const states = hasStates ? Array.from({ length: count }, () => temporary([batch, n], 'state')) : [];
  const output = temporary(run.returnSequences ? [batch, x.shape[1]!, n] : [batch, n], 'output');
  const operator = new OperatorImport(layer.kind, {}, [], [() => output], emit.names);
  emitKerasRecurrent(operator, {
    ...run,
    cell,
    x,
    inTimeOrder: true,
    kernel: layer.weight('kernel', [x.shape.at(-1), gates * n]),
    recurrentKernel: layer.weight('recurrent_kernel', [n, gates * n]),
    bias: config.boolean('use_bias', true) ? layer.weight('bias', resetAfter ? [2, gates * n] : [gates * n]) : null,
    activation: functionOf('activation', 'tanh'),
    recurrentActivation: functionOf('recurrent_activation', 'sigmoid'),
    resetAfter,
  }, { output, states });
  emit.nodes.push(...operator.nodes);
  return { output, states };
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
  layer.check(layer.network.maskOf(x) === undefined, 'a mask (of Masking, or of an Embedding with mask_zero)');
  const goBackwards = config.boolean('go_backwards', false);
  const all = cellsOf(layer);
  const initial = rest.map((state) => emit.cast(state, 'float32'));
  const counts = all.reduce((sum, { kind }) => sum + cells[kind]!.states, 0);
  layer.check(initial.length === 0 || initial.length === counts, `${initial.length} initial states`);
  const isWhole = config.boolean('return_sequences', false);
  const returnsState = config.boolean('return_state', false);
  const isStateful = config.boolean('stateful', false);
  const states: Tensor[] = [];
  let output = emit.cast(x, 'float32');
  layer.check(output.shape.length === 3, `an input of ${output.shape.length} dimensions`);
  all.forEach(({ kind, cell }, i) => {
    const given = initial.splice(0, cells[kind]!.states);
    const kept = isStateful && given.length === 0 ? keptStates(layer, cell, kind, output.shape[0]!) : undefined;
    const result = runCell(cell, kind, {
      x: output,
      goBackwards,
      returnSequences: isWhole || i < all.length - 1,
      initialState: kept ?? given,
      hasStates: returnsState || isStateful,
    });
    output = result.output;
    kept?.forEach((value, s) => layer.network.addState(value, result.states[s]!));
    states.push(...result.states);
  });
  const steps = isWhole && goBackwards && !inTimeOrder ? reversedSteps(layer, output) : output;
  return returnsState ? [steps, ...states] : [steps];
}

/** The states that a stateful layer keeps from one run to the next, which begin with zeros. */
function keptStates({ emit }: KerasLayer, { config }: KerasLayer, kind: string, batch: number): Tensor[] {
  return Array.from(
    { length: cells[kind]!.states },
    () => ({
      name: emit.names.take(`${emit.prefix}/kept_state`),
      shape: [batch, config.count('units')],
      dtype: 'float32' as const,
    }),
  );
}

/** The steps in the order in which they were computed. */
function reversedSteps({ emit }: KerasLayer, steps: Tensor): Tensor {
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
