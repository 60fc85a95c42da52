import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { Emitter } from '../../ops/emitter';
import { emitGraph, type Strips } from '../emitGraph';
import { planMemory } from '../memory';
import type { Baseline } from './baseline';
import { rowsOf } from './rowGraph';

/** Bytes of a record, on average. */
const RECORD_BYTES = 112;
/** A bound of the time to plan the memory. */
const EFFORT = 4e5;
/** Any field of a record that no operator reads. */
const FIELD = 8;

/**
 * Plans the memory of a network with strips, without packing its weights. Records have the operands
 * of their nodes and nothing else.
 *
 * @returns the bytes of arena and plan
 */
export function rehearse(graph: Graph, strips: Strips, baseline: Baseline): number {
  const emit = new Emitter();
  const indices = new Map(graph.nodes.map((node, n) => [node, n]));
  emitGraph(graph, emit, strips, (node, _, whole) => {
    const temporary = baseline.temporary[indices.get(whole)!]!;
    emitOperands(node, whole, emit, baseline.emit, temporary);
  });
  return planMemory(emit.buffers, EFFORT) + emit.records.length * RECORD_BYTES;
}

function emitOperands(node: AnyNode, whole: AnyNode, emit: Emitter, known: Emitter, temporary: number): void {
  const inputs = node.inputs.filter((tensor): tensor is Tensor => tensor !== null && !tensor.data);
  const isWhole = node === whole;
  const outputs = node.outputs.filter((output) => !isWhole || !emitAlias(output, inputs, emit, known));
  if (outputs.length === 0) return;
  if (isWhole) { for (const output of outputs) allowReuse(output, inputs, emit, known); }
  const r = emit.record(0, RECORD_BYTES, 'int8', node, node.op);
  for (const tensor of inputs) r.source(FIELD, tensor);
  for (const tensor of outputs) r.target(FIELD, tensor);
  if (temporary === 0) return;
  const part = isWhole ? 1 : rowsOf(node.outputs[0]!) / rowsOf(whole.outputs[0]!);
  r.target(FIELD, { name: node.name, shape: [Math.ceil(temporary * part)], dtype: 'int8' });
}

/** Makes an output a view of an input if it is one without strips. */
function emitAlias(output: Tensor, inputs: readonly Tensor[], emit: Emitter, known: Emitter): boolean {
  const to = known.locate(output);
  const input = inputs.find((tensor) => known.locate(tensor)?.buffer === to?.buffer);
  if (!to || !input) return false;
  emit.alias(output, input, to.byteOffset - known.locate(input)!.byteOffset);
  return true;
}

function allowReuse(output: Tensor, inputs: readonly Tensor[], emit: Emitter, known: Emitter): void {
  const reused = known.locate(output)?.buffer.reuses;
  const input = inputs.find((tensor) => known.locate(tensor)?.buffer === reused);
  if (reused && input) emit.mayReuse(output, input, ...inputs.filter((other) => other !== input));
}
