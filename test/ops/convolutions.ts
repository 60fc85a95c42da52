import fc from 'fast-check';
import { CONV2D_BLOCK_ROWS, OP_CONV2D, OP_WIDE_CONV2D, RECORD_SIZE } from '../../assembly/layout';
import { compile, readKlet } from '../../src/compiler/index';
import { SECTION_PLAN } from '../../src/format/klet';
import type { FusedActivation, HybridMode, Padding, Pair } from '../../src/graph/operators';
import { viewOf, withSection } from '../robustness/seal';
import { checkFile, exact, Random, randomInputs, single, size, tensor } from './suite';
import { hybridOf, outputQuantization, weightsAndBias } from './weighted';
import { plainConvolution, slide, type ConvolutionSpec } from './windows';

// Convolutions of one layer, for the tests of the direct form and of tiles.

export interface Spec extends ConvolutionSpec {
  /** Input channels of one group; `co` is its output channels. */
  ci: number;
  co: number;
  groups: number;
  padding: Padding;
  activation: FusedActivation;
  /** Set for float activations with int8 weights. */
  hybrid?: HybridMode | undefined;
  /** BLOCK_ROWS of the record, in place of what the compiler chooses. */
  rows?: number;
  /** All inputs, which are random otherwise. */
  value?: number | undefined;
}

export const plain: Spec = {
  ...plainConvolution,
  height: 4,
  width: 4,
  ci: 3,
  co: 8,
  groups: 1,
  kernel: [1, 1],
  padding: [0, 0, 0, 0],
  activation: 'none',
};

/** Compares a convolution with the reference, in all flavors. */
export function check(spec: Spec): void {
  const { type, batch, ci, co, groups, kernel, stride, dilation } = spec;
  const random = new Random(spec.seed);
  const { image, output } = slide(spec, spec.padding);
  const x = tensor('x', [batch, ...image, ci * groups], type, spec.x);
  const { w, bias } = weightsAndBias(random, x, [co * groups, ...kernel, ci], 0, spec.weights, spec.hybrid);
  const scaled = outputQuantization(x, w, kernel[0] * kernel[1] * ci, spec.weights);
  const y = tensor('y', [batch, ...output, co * groups], type, scaled);
  const graph = single('conv2d', [x, w, bias], {
    stride,
    dilation,
    padding: spec.padding,
    groups,
    activation: spec.activation,
    ...hybridOf(x, spec.hybrid),
  }, y);
  const inputs = randomInputs(graph, spec.seed);
  if (spec.value !== undefined) inputs.x!.fill(spec.value);
  const { rows } = spec;
  const file = rows === undefined ? compile(graph) : withRows(compile(graph, { weightLayout: 'dense' }), rows);
  checkFile(graph, file, spec.seed, exact, inputs);
}

/** The offset of the convolution in a plan. */
function convolutionAt(plan: Uint8Array): number {
  let at = 0;
  while (plan[at] !== OP_CONV2D && plan[at] !== OP_WIDE_CONV2D) at += viewOf(plan).getUint32(at + RECORD_SIZE, true);
  return at;
}

/** A file whose convolution has other BLOCK_ROWS. */
export function withRows(file: Uint8Array, rows: number): Uint8Array {
  return withSection(file, SECTION_PLAN, (plan) => {
    viewOf(plan).setInt32(convolutionAt(plan) + CONV2D_BLOCK_ROWS, rows, true);
    return plan;
  });
}

/** BLOCK_ROWS of the convolution in a file. */
export function rowsOf(file: Uint8Array): number {
  const { plan } = readKlet(file);
  return viewOf(plan).getInt32(convolutionAt(plan) + CONV2D_BLOCK_ROWS, true);
}

export const pair = (max: number): fc.Arbitrary<Pair> => fc.tuple(size(max), size(max));
export const paddings = fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4));
