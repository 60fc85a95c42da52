import { timesWeights } from '../../products';
import { activate } from '../activations';
import { einsum } from '../../einsum';
import { FileOperator } from '../../fileOperator';
import type { Mapping, Mappings } from '../layer';

const dense: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const units = config.count(config.has('output_dim') ? 'output_dim' : 'units');
  const w = layer.weight('kernel', [x.shape.at(-1), units]);
  return activate(layer, timesWeights(emit, x, w, layer.bias(units)));
};

/** Rows of a table at the positions that the input gives */
const embedding: Mapping = (layer) => {
  const { emit, config } = layer;
  const table = layer.weight('embeddings', [config.count('input_dim'), config.count('output_dim')]);
  const indices = emit.cast(layer.input, 'int32');
  return emit.node('gather', [table, indices], { axis: 0, batchDims: 0 });
};

const einsumDense: Mapping = (layer) => {
  const { emit, config } = layer;
  const x = layer.floatInput;
  const equation = config.string('equation', '');
  const w = layer.anyWeight('kernel');
  const y = einsum(new FileOperator(layer.kind, layer.name, [x, w], emit), equation, [x, w]);
  const bias = config.has('bias_axes') ? layer.anyWeight('bias') : undefined;
  return activate(layer, bias ? emit.binary('add', y, bias) : y);
};

const activation: Mapping = (layer) => activate(layer, layer.floatInput);

export const denses: Mappings = {
  Dense: dense,
  Embedding: embedding,
  EinsumDense: einsumDense,
  Activation: activation,
};
