import { perTensor, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { dequantizeNode, quantizeNode } from '../../ops/nodes';
import { quantizedBias } from '../../ops/shared/bias';
import type { QuantizationRule } from '../../ops/operator';
import type { QuantizationPlan } from './plan';
import { quantizedStates } from './states';
import { activationQuantization, intoSteps } from './steps';
import { quantizedWeights, type WeightBits } from './weights';

/** How the int8 network is written. */
export interface RewriteOptions {
  /** Inputs and outputs stay float32. */
  floatIo: boolean;
  /** Magnitudes that the int8 forms of recurrent layers need, by name of node. */
  cells: ReadonlyMap<string, number>;
  bitsOf(node: AnyNode): WeightBits;
}

/** Writes the network that a plan describes. The float32 network is not changed. */
export function rewrite(graph: Graph, plan: QuantizationPlan, options: RewriteOptions): Graph {
  const writer = new Writer(plan, options);
  const inputs = graph.inputs.map((tensor) => writer.input(tensor));
  for (const node of graph.nodes) writer.add(node);
  const outputs = graph.outputs.map((tensor) => writer.output(tensor));
  const states = quantizedStates(
    graph.states ?? [],
    (tensor) => writer.twin(tensor),
    intoSteps,
    (from, to) => writer.quantize(from, to),
    (tensor) => writer.asFloat(tensor),
  );
  return {
    name: graph.name,
    inputs,
    outputs,
    nodes: writer.nodes,
    ...(states.length > 0 && { states }),
    ...(graph.carries && { carries: true }),
  };
}

class Writer {
  readonly nodes: AnyNode[] = [];
  private readonly twins = new Map<Tensor, Tensor>();
  private readonly converted = new Map<Tensor, Tensor>();

  constructor(private readonly plan: QuantizationPlan, private readonly options: RewriteOptions) {}

  /** The tensor of the new network: int8 if the plan says so, else itself. */
  twin(tensor: Tensor): Tensor {
    const quantization = this.plan.chosen.get(tensor);
    if (!quantization) return tensor;
    const made = this.twins.get(tensor) ?? { ...tensor, dtype: 'int8' as const, quantization };
    this.twins.set(tensor, made);
    return made;
  }

  quantize(from: Tensor, to: Tensor): void {
    this.nodes.push(quantizeNode(from, to, `${to.name} (quantize)`));
  }

  private dequantize(from: Tensor, to: Tensor): void {
    this.nodes.push(dequantizeNode(from, to, `${to.name} (dequantize)`));
  }

  /** The dequantized tensor, for operators that stay in float32. */
  asFloat(tensor: Tensor): Tensor {
    if (!this.plan.chosen.has(tensor)) return tensor;
    const known = this.converted.get(tensor);
    if (known) return known;
    const made = { ...tensor, name: `${tensor.name} (float32)` };
    this.dequantize(this.twin(tensor), made);
    this.converted.set(tensor, made);
    return made;
  }

  /** The int8 tensor, for operators that are quantized. */
  private asInt8(tensor: Tensor): Tensor {
    const { chosen } = this.plan;
    if (chosen.has(tensor) || tensor.data || tensor.dtype !== 'float32') return this.twin(tensor);
    const known = this.converted.get(tensor);
    if (known) return known;
    const quantization = activationQuantization(this.plan.rangeOf(tensor));
    const made: Tensor = { ...tensor, name: `${tensor.name} (int8)`, dtype: 'int8', quantization };
    this.quantize(tensor, made);
    this.converted.set(tensor, made);
    return made;
  }

  input(tensor: Tensor): Tensor {
    const inside = this.twin(tensor);
    if (!this.options.floatIo || inside === tensor) return inside;
    const outside: Tensor = { ...tensor };
    inside.name = `${tensor.name} (int8)`;
    this.quantize(outside, inside);
    return outside;
  }

  output(tensor: Tensor): Tensor {
    const inside = this.twin(tensor);
    if (!this.options.floatIo || inside === tensor) return inside;
    const outside: Tensor = { ...tensor };
    inside.name = `${tensor.name} (int8)`;
    this.dequantize(inside, outside);
    return outside;
  }

  add(node: AnyNode): void {
    const rule = this.plan.rules(node);
    const { int8 } = operatorOf(node.op);
    const outputs = node.outputs.map((tensor) => this.twin(tensor));
    if (int8 && rule !== 'float') {
      const observed = this.options.cells.get(node.name);
      const made = int8.convert(node, this.asInt8(node.inputs[0]!), this.twin(node.outputs[0]!), observed);
      this.nodes.push({ ...made, outputs } as AnyNode);
      return;
    }
    const inputs = node.inputs.map((tensor, i) =>
      tensor && (rule === 'float' ? this.asFloat(tensor) : this.operand(node, tensor, i, rule))
    );
    this.nodes.push({ ...node, inputs, outputs });
  }

  /** An operand of an operator that is quantized. */
  private operand(node: AnyNode, tensor: Tensor, index: number, rule: QuantizationRule): Tensor {
    if (!tensor.data || tensor.dtype !== 'float32') return this.asInt8(tensor);
    if (operatorOf(node.op).keepsConstants) return tensor;
    if (rule === 'weights' && (index === 1 || index === 2)) {
      const [x, w, bias] = node.inputs as [Tensor, Tensor, Tensor | null | undefined];
      const step = perTensor(this.asInt8(x)).scale;
      const weights = quantizedWeights(node, w, bias, step, this.options.bitsOf(node));
      return index === 1 ? weights : quantizedBias(tensor, weights, step);
    }
    const values = tensor.data as Float32Array;
    const quantization = activationQuantization(this.plan.rangeOf(tensor));
    return { ...tensor, dtype: 'int8', quantization, data: intoSteps(values, quantization) };
  }
}
