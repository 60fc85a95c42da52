import { perTensor, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { dequantizeNode, quantizeNode } from '../../ops/nodes';
import { quantizedBias } from '../../ops/shared/bias';
import type { QuantizationRule } from '../../ops/operator';
import type { QuantizationPlan } from './plan';
import { quantizedStates } from './states';
import { activationQuantization, intoSteps, intoWideSteps, wideQuantization } from './steps';
import { quantizedWeights, type WeightBits } from './weights';

/** How the int8 network is written. */
export interface RewriteOptions {
  /** Inputs and outputs stay float32. */
  floatIo: boolean;
  /** Magnitudes that the int8 forms of recurrent layers need, by name of node. */
  cells: ReadonlyMap<string, number>;
  bitsOf: (node: AnyNode) => WeightBits;
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

type IntegerType = 'int8' | 'int16';

class Writer {
  readonly nodes: AnyNode[] = [];
  private readonly twins = new Map<Tensor, Tensor>();
  /** Tensors in another type than their own. */
  private readonly converted = {
    float32: new Map<Tensor, Tensor>(),
    int8: new Map<Tensor, Tensor>(),
    int16: new Map<Tensor, Tensor>(),
  };

  constructor(private readonly plan: QuantizationPlan, private readonly options: RewriteOptions) {}

  /** The tensor of the new network: int8 or int16 if the plan says so, else itself. */
  twin(tensor: Tensor): Tensor {
    const quantization = this.plan.chosen.get(tensor);
    if (!quantization) return tensor;
    const made = this.twins.get(tensor) ?? { ...tensor, dtype: this.typeOf(tensor), quantization };
    this.twins.set(tensor, made);
    return made;
  }

  private typeOf(tensor: Tensor): IntegerType {
    return this.plan.wide.has(tensor) ? 'int16' : 'int8';
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
    const known = this.converted.float32.get(tensor);
    if (known) return known;
    const made = { ...tensor, name: `${tensor.name} (float32)` };
    this.dequantize(this.twin(tensor), made);
    this.converted.float32.set(tensor, made);
    return made;
  }

  /** The tensor in the type of an operator that is quantized. */
  private asInteger(tensor: Tensor, dtype: IntegerType): Tensor {
    const isFitting = this.plan.chosen.has(tensor) && this.typeOf(tensor) === dtype;
    if (isFitting || tensor.data || tensor.dtype !== 'float32') return this.twin(tensor);
    const known = this.converted[dtype].get(tensor);
    if (known) return known;
    const quantization = dtype === 'int16'
      ? wideQuantization(this.plan.wideRangeOf(tensor))
      : activationQuantization(this.plan.rangeOf(tensor));
    const made: Tensor = { ...tensor, name: `${tensor.name} (${dtype})`, dtype, quantization };
    this.quantize(this.twin(tensor), made);
    this.converted[dtype].set(tensor, made);
    return made;
  }

  input(tensor: Tensor): Tensor {
    const inside = this.twin(tensor);
    if (!this.options.floatIo || inside === tensor) return inside;
    const outside: Tensor = { ...tensor };
    inside.name = `${tensor.name} (${inside.dtype})`;
    this.quantize(outside, inside);
    return outside;
  }

  output(tensor: Tensor): Tensor {
    const inside = this.twin(tensor);
    if (!this.options.floatIo || inside === tensor) return inside;
    const outside: Tensor = { ...tensor };
    inside.name = `${tensor.name} (${inside.dtype})`;
    this.dequantize(inside, outside);
    return outside;
  }

  add(node: AnyNode): void {
    const rule = this.plan.rules(node);
    const { int8 } = operatorOf(node.op);
    const outputs = node.outputs.map((tensor) => this.twin(tensor));
    if (int8 && rule !== 'float') {
      const observed = this.options.cells.get(node.name);
      const made = int8.convert(node, this.asInteger(node.inputs[0]!, 'int8'), this.twin(node.outputs[0]!), observed);
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
    const dtype = this.plan.wideNodes.has(node) ? 'int16' : 'int8';
    if (!tensor.data || tensor.dtype !== 'float32') return this.asInteger(tensor, dtype);
    if (operatorOf(node.op).keepsConstants) return tensor;
    if (rule === 'weights' && (index === 1 || index === 2)) {
      const [x, w, bias] = node.inputs as [Tensor, Tensor, Tensor | null | undefined];
      const step = perTensor(this.asInteger(x, dtype)).scale;
      const bits = this.options.bitsOf(node);
      // a bias of 64 bits fits any scale
      const weights = quantizedWeights(node, w, dtype === 'int16' ? null : bias, step, bits);
      return index === 1 ? weights : quantizedBias(tensor, weights, step, dtype === 'int16');
    }
    const values = tensor.data as Float32Array;
    if (dtype === 'int16') {
      const quantization = wideQuantization(this.plan.wideRangeOf(tensor));
      return { ...tensor, dtype, quantization, data: intoWideSteps(values, quantization) };
    }
    const quantization = activationQuantization(this.plan.rangeOf(tensor));
    return { ...tensor, dtype, quantization, data: intoSteps(values, quantization) };
  }
}
