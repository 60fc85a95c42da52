import { elementCount, type Tensor } from '../../../../graph/graph';
import type { NodeEmitter } from '../../nodeEmitter';
import { timesWeights } from '../../products';
import { isTensor, tensorsIn, type KerasLayer, type Mapping, type Mappings } from '../layer';

/** Added to scores of pairs that do not attend to each other. */
const FAR = -1e9;

/** softmax of scores […][Tq][Tv], without pairs that a mask (1 where they count) or time forbids */
function weightsOf(
  layer: KerasLayer,
  scores: Tensor,
  masks: readonly (Tensor | undefined)[],
  isCausal: boolean,
): Tensor {
  const { emit } = layer;
  let sum = scores;
  for (const mask of masks) {
    if (mask) sum = emit.binary('add', sum, emit.binary('mul', emit.binary('sub', emit.number(1), mask), FAR));
  }
  if (isCausal) {
    const [rows, columns] = scores.shape.slice(-2) as [number, number];
    const later = Float32Array.from(
      { length: rows * columns },
      (_, i) => (i % columns > Math.floor(i / columns) ? FAR : 0),
    );
    sum = emit.binary('add', sum, emit.constant(later, [rows, columns], 'float32'));
  }
  return emit.node('softmax', [sum], { beta: 1 });
}

/** query, value and key, which is the value by default, as positional or named arguments */
function operandsOf(layer: KerasLayer): [query: Tensor, value: Tensor, key: Tensor] {
  const listed = tensorsIn(layer.args);
  const named = ['query', 'value', 'key'].map((name) => layer.kwargs[name]);
  const [query, value, key] = named.map((tensor, i) => (isTensor(tensor) ? tensor : listed[i]));
  layer.check(query !== undefined && value !== undefined, 'other inputs than query, value and key');
  return [query!, value!, key ?? value!].map((x) => layer.emit.cast(x, 'float32')) as [Tensor, Tensor, Tensor];
}

/** A mask of the steps of the value, in a shape that broadcasts to the scores [B]…[Tq][Tv]. */
function valueMask(layer: KerasLayer, value: Tensor, rank: number): Tensor | undefined {
  const mask = layer.network.maskOf(value);
  return mask && layer.emit.reshape(mask, [mask.shape[0]!, ...new Array<number>(rank - 2).fill(1), mask.shape[1]!]);
}

function isCausal({ kwargs, config }: KerasLayer): boolean {
  return kwargs.use_causal_mask === true || config.boolean('causal', false);
}

/** Projections into heads, scaled products, and a projection back */
const multiHeadAttention: Mapping = (layer) => {
  const { emit, config } = layer;
  const [query, value, key] = operandsOf(layer);
  const heads = config.count('num_heads');
  const size = config.count('key_dim');
  const valueSize = config.count('value_dim', size);
  layer.check([query, value, key].every(({ shape }) => shape.length >= 3), 'inputs of less than 3 dimensions');
  const axes = config.has('attention_axes') ? config.integers('attention_axes') : undefined;
  const isWhole = !axes || axes.length === query.shape.length - 2;
  layer.check(isWhole, `attention over the axes ${axes?.join(', ')}`);
  const project = (x: Tensor, name: string, each: number): Tensor => {
    const [batch] = x.shape as [number];
    const steps = elementCount(x.shape.slice(1, -1));
    const width = x.shape.at(-1);
    const part = layer.part(
      'EinsumDense',
      { attributes: [`${name}_dense`, `_${name}_dense`], name },
      denseConfig(layer),
    );
    const kernel = part.weight('kernel', [width, heads, each]);
    const bias = config.boolean('use_bias', true) ? part.weight('bias', [heads, each]) : null;
    const y = timesWeights(
      emit,
      emit.reshape(x, [batch, steps, width]),
      emit.reshape(kernel, [width, heads * each]),
      bias && emit.reshape(bias, [heads * each]),
    );
    return emit.transpose(emit.reshape(y, [batch, steps, heads, each]), [0, 2, 1, 3]);
  };
  const q = emit.binary('mul', project(query, 'query', size), 1 / Math.sqrt(size));
  const k = project(key, 'key', size);
  const v = project(value, 'value', valueSize);
  const scores = emit.node('batchMatmul', [q, k], { transposeA: false, transposeB: true });
  const given = layer.kwargs.attention_mask;
  const masks = [isTensor(given) ? attentionMask(emit, given) : undefined, valueMask(layer, value, 4)];
  const weights = weightsOf(layer, scores, masks, isCausal(layer));
  const mixed = emit.node('batchMatmul', [weights, v], { transposeA: false, transposeB: false });
  const [batch, , steps] = mixed.shape as [number, number, number];
  const rows = emit.reshape(emit.transpose(mixed, [0, 2, 1, 3]), [batch, steps, heads * valueSize]);
  const out = layer.part(
    'EinsumDense',
    { attributes: ['output_dense', '_output_dense'], name: 'attention_output' },
    denseConfig(layer),
  );
  const kernel = out.anyWeight('kernel');
  const target = kernel.shape.slice(2);
  layer.check(
    kernel.shape[0] === heads && kernel.shape[1] === valueSize,
    `output weights [${kernel.shape.join(', ')}]`,
  );
  const bias = config.boolean('use_bias', true) ? out.weight('bias', target) : null;
  const width = elementCount(target);
  const y = timesWeights(
    emit,
    rows,
    emit.reshape(kernel, [heads * valueSize, width]),
    bias && emit.reshape(bias, [width]),
  );
  const result = emit.reshape(y, [...query.shape.slice(0, -1), ...target]);
  return layer.kwargs.return_attention_scores === true ? [result, weights] : result;
};

/** The configuration of the projections, which files do not list. */
function denseConfig({ config }: KerasLayer) {
  return config.boolean('use_bias', true) ? { bias_axes: 'bias' } : {};
}

/** [B][Tq][Tv] or [B][H][Tq][Tv], as float32 with a dimension for the heads */
function attentionMask(emit: NodeEmitter, mask: Tensor): Tensor {
  const x = emit.cast(mask, 'float32');
  return x.shape.length === 3 ? emit.reshape(x, x.shape.toSpliced(1, 0, 1)) : x;
}

/** Scores of the products of query and key, or of tanh(query + key), without projections */
function attention(isAdditive: boolean): Mapping {
  return (layer) => {
    const { emit, config } = layer;
    const [query, value, key] = operandsOf(layer);
    layer.check([query, value, key].every(({ shape }) => shape.length === 3), 'inputs of other than 3 dimensions');
    const [batch, steps, size] = query.shape as [number, number, number];
    const pairs = (): Tensor => {
      const sum = emit.binary(
        'add',
        emit.reshape(query, [batch, steps, 1, size]),
        emit.reshape(key, [batch, 1, key.shape[1]!, size]),
      );
      return sum;
    };
    const mode = isAdditive ? 'additive' : config.string('score_mode', 'dot');
    const scores = (): Tensor => {
      if (mode === 'additive') {
        const bent = emit.unary('tanh', pairs());
        const scaled = config.boolean('use_scale', true)
          ? emit.binary('mul', bent, layer.weight('scale', [size]))
          : bent;
        return emit.reduce('sum', scaled, [3], false);
      }
      const scale = config.boolean('use_scale', false) ? layer.anyWeight('scale') : undefined;
      if (mode === 'concat') {
        const sum = scale ? emit.binary('mul', pairs(), scale) : pairs();
        const total = emit.reduce('sum', emit.unary('tanh', sum), [3], false);
        return emit.binary('mul', total, layer.anyWeight('concat_score_weight'));
      }
      layer.check(mode === 'dot', `score_mode "${mode}"`);
      const product = emit.node('batchMatmul', [query, key], { transposeA: false, transposeB: true });
      return scale ? emit.binary('mul', product, scale) : product;
    };
    const weights = weightsOf(layer, scores(), [valueMask(layer, value, 3)], isCausal(layer));
    const y = emit.node('batchMatmul', [weights, value], { transposeA: false, transposeB: false });
    return layer.kwargs.return_attention_scores === true ? [y, weights] : y;
  };
}

export const attentions: Mappings = {
  MultiHeadAttention: multiHeadAttention,
  Attention: attention(false),
  AdditiveAttention: attention(true),
};
