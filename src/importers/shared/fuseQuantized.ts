import { consumers } from '../../graph/edit';
import { resultsOf, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import type { Attributes, OperatorName } from '../../graph/operators';
import { dequantizeNode, reshapeNode } from '../../ops/nodes';
import { operatorOf } from '../../ops/index';
import { sameQuantization } from '../../ops/shared/quantized';
import { int8Form } from './int8Forms';
import { movedForm } from './movedForms';
import type { StoredIntegers } from './storedIntegers';
import type { UniqueNames } from './uniqueNames';

/**
 * Operators between dequantize and quantize nodes become int8 operators, and operators that move
 * values do so before the dequantize node.
 *
 * @param stored - the integers behind dequantized constants
 */
export function fuseQuantized(graph: Graph, stored: ReadonlyMap<Tensor, StoredIntegers>, names: UniqueNames): void {
  const fusing = new Fusing(graph, stored, names);
  for (const node of graph.nodes) fusing.visit(node);
  fusing.finish(resultsOf(graph));
  graph.nodes = fusing.nodes;
}

/** The graph while operators are fused. */
export class Fusing {
  readonly nodes: AnyNode[] = [];
  /** Float tensors with the quantized ones that have the same real values. */
  private readonly views = new Map<Tensor, Tensor>();
  /** Views whose float values have been emitted. */
  private readonly emitted = new Set<Tensor>();
  /** Quantized tensors that equal another one, which takes their place. */
  private readonly same = new Map<Tensor, Tensor>();
  private readonly done = new Set<AnyNode>();
  private readonly readers: Map<Tensor, (AnyNode | undefined)[]>;

  constructor(graph: Graph, readonly stored: ReadonlyMap<Tensor, StoredIntegers>, private readonly names: UniqueNames) {
    this.readers = consumers(graph);
  }

  visit(node: AnyNode): void {
    if (this.done.has(node)) return;
    const [x] = node.inputs;
    const [y] = node.outputs as [Tensor];
    if (node.op === 'dequantize') {
      this.views.set(y, this.resolved(x!));
      return;
    }
    if (node.op === 'quantize' && this.view(x)) return this.requantize(this.view(x)!, y);
    if (movedForm(node, this)) return;
    const quantize = this.onlyQuantize(node);
    if (quantize && int8Form(node, quantize.outputs[0]!, this)) {
      this.done.add(quantize);
      return;
    }
    this.nodes.push({ ...node, inputs: node.inputs.map((tensor) => tensor && this.asFloat(tensor)) });
  }

  /** Emits results of the graph that have not been emitted. */
  finish(results: readonly Tensor[]): void {
    for (const tensor of new Set(results)) {
      this.asFloat(tensor);
      const other = this.same.get(tensor);
      if (other) this.nodes.push(reshapeNode(other, tensor));
    }
  }

  /** The quantized tensor with the same real values. */
  view(tensor: Tensor | null | undefined): Tensor | undefined {
    return tensor ? this.views.get(tensor) : undefined;
  }

  /** Says that `tensor` has the real values of `quantized`. */
  setView(tensor: Tensor, quantized: Tensor): void {
    this.views.set(tensor, quantized);
  }

  /** Emits a node that computes `to`. */
  emitTo<N extends OperatorName>(to: Tensor, op: N, inputs: (Tensor | null)[], attributes: Attributes[N]): void {
    this.nodes.push({ op, name: to.name, inputs, outputs: [to], attributes } as AnyNode);
  }

  /** Emits a node and returns its result, which has the type and quantization of `like`. */
  emit<N extends OperatorName>(
    op: N,
    inputs: (Tensor | null)[],
    attributes: Attributes[N],
    like: Tensor,
    shape: readonly number[] = [],
  ): Tensor {
    const to = this.tensor(like, shape);
    const node = { op, name: to.name, inputs, outputs: [to], attributes } as AnyNode;
    to.shape = operatorOf(op).infer(node as never)[0]!;
    this.nodes.push(node);
    return to;
  }

  /** A tensor with the type and quantization of `like`. */
  tensor({ name, dtype, quantization }: Tensor, shape: readonly number[]): Tensor {
    return { name: this.names.take(`${name}/int8`), shape: [...shape], dtype, quantization: quantization! };
  }

  /** The one node that reads the only result of a node, if that is a quantize node. */
  private onlyQuantize({ outputs }: AnyNode): AnyNode | undefined {
    if (outputs.length !== 1 || outputs[0]!.dtype !== 'float32') return undefined;
    const readers = this.readers.get(outputs[0]!) ?? [];
    return readers.length === 1 && readers[0]?.op === 'quantize' ? readers[0] : undefined;
  }

  private requantize(x: Tensor, y: Tensor): void {
    if (x.dtype === y.dtype && sameQuantization(x, y)) {
      this.same.set(y, x);
      return;
    }
    // a product with 1 rounds once
    const one: Tensor = {
      name: this.names.take(`${y.name}/one`),
      shape: [],
      dtype: 'int8',
      data: Int8Array.of(1),
      quantization: { scale: [1], zeroPoint: [0], axis: 0 },
    };
    this.emitTo(y, 'binary', [x, one], { kind: 'mul', activation: 'none' });
  }

  private asFloat(tensor: Tensor): Tensor {
    const view = this.views.get(tensor);
    if (view && !this.emitted.has(tensor)) {
      this.nodes.push(dequantizeNode(view, tensor));
      this.emitted.add(tensor);
    }
    return view ? tensor : this.resolved(tensor);
  }

  private resolved(tensor: Tensor): Tensor {
    return this.same.get(tensor) ?? tensor;
  }
}
