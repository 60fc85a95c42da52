import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { AnyNode, Graph, Tensor } from '../../src/graph/graph';
import type { FusedActivation } from '../../src/graph/operators';

// Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).

const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;
const IR_VERSION = 8;
const OPSET = 13;

type Write = (writer: BinaryWriter) => void;

function message(writer: BinaryWriter, field: number, write: Write): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function int(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

/**
 * Writes a float32 network as ONNX. Images are NCHW inside; inputs and outputs keep the graph's
 * NHWC.
 */
export function toOnnx(graph: Graph): Uint8Array<ArrayBuffer> {
  const network = new OnnxGraph(graph);
  const writer = new BinaryWriter();
  int(writer, 1, IR_VERSION);
  text(writer, 2, 'kinglet bench');
  message(writer, 7, (w) => network.write(w));
  message(writer, 8, (w) => int(w, 2, OPSET));
  return writer.finish();
}

class OnnxGraph {
  private readonly nodes: Write[] = [];
  private readonly constants: Write[] = [];
  /** Names of the layouts of each image that exist so far. */
  private readonly flat = new Map<Tensor, string>();
  private readonly planar = new Map<Tensor, string>();
  private count = 0;

  constructor(private readonly graph: Graph) {
    graph.inputs.forEach((tensor) => this.flat.set(tensor, tensor.name));
    graph.nodes.forEach((node) => this.add(node));
    graph.outputs.forEach((tensor) => this.emit('Identity', [this.nhwc(tensor)], {}, `${tensor.name}:output`));
  }

  write(writer: BinaryWriter): void {
    this.nodes.forEach((node) => message(writer, 1, node));
    text(writer, 2, this.graph.name);
    this.constants.forEach((constant) => message(writer, 5, constant));
    this.graph.inputs.forEach((tensor) => message(writer, 11, port(tensor.name, tensor.shape)));
    this.graph.outputs.forEach((tensor) => message(writer, 12, port(`${tensor.name}:output`, tensor.shape)));
  }

  private add(node: AnyNode): void {
    const x = node.inputs[0]!;
    const y = node.outputs[0]!;
    switch (node.op) {
      case 'conv2d':
      case 'depthwiseConv2d': {
        const { stride, dilation, padding, activation } = node.attributes;
        const weights = node.inputs[1]!;
        const isDepthwise = node.op === 'depthwiseConv2d';
        const [a, kh, kw, b] = weights.shape as [number, number, number, number];
        const data = weights.data as Float32Array;
        // OIHW; a depthwise convolution is a grouped one with one input channel per group
        const filter = isDepthwise
          ? this.constant(`${node.name}:w`, [b, 1, kh, kw], permute(data, [kh, kw, b], [2, 0, 1]))
          : this.constant(`${node.name}:w`, [a, b, kh, kw], permute(data, [a, kh, kw, b], [0, 3, 1, 2]));
        const sum = this.emit('Conv', [this.nchw(x), filter, ...this.bias(node)], {
          strides: stride,
          dilations: dilation,
          pads: padding,
          kernel_shape: [kh, kw],
          group: isDepthwise ? x.shape[3]! : node.attributes.groups,
        });
        this.planar.set(y, this.activate(sum, activation));
        return;
      }
      case 'averagePool2d':
      case 'maxPool2d': {
        const { kernel, stride, padding, activation } = node.attributes;
        this.planar.set(
          y,
          this.activate(
            this.emit(node.op === 'maxPool2d' ? 'MaxPool' : 'AveragePool', [this.nchw(x)], {
              kernel_shape: kernel,
              strides: stride,
              pads: padding,
            }),
            activation,
          ),
        );
        return;
      }
      case 'fullyConnected': {
        const weights = this.constant(`${node.name}:w`, node.inputs[1]!.shape, node.inputs[1]!.data as Float32Array);
        this.flat.set(
          y,
          this.activate(
            this.emit('Gemm', [this.nhwc(x), weights, ...this.bias(node)], { transB: 1 }),
            node.attributes.activation,
          ),
        );
        return;
      }
      case 'binary': {
        const { kind, activation } = node.attributes;
        const op = { add: 'Add', sub: 'Sub', mul: 'Mul', div: 'Div', minimum: 'Min', maximum: 'Max' }[kind as string];
        if (!op) throw new Error(`${kind} is not written as ONNX here`);
        // images of equal shape stay NCHW
        const isPlanar = node.inputs.every((t) => t!.shape.length === 4 && !t!.data);
        const read = (t: Tensor): string => (isPlanar ? this.nchw(t) : this.nhwc(t));
        (isPlanar ? this.planar : this.flat).set(
          y,
          this.activate(this.emit(op, node.inputs.map((t) => read(t!)), {}), activation),
        );
        return;
      }
      case 'unary': {
        const { kind } = node.attributes;
        if (kind !== 'relu' && kind !== 'relu6') throw new Error(`${kind} is not written as ONNX here`);
        const layouts = this.planar.has(x) ? this.planar : this.flat;
        layouts.set(y, this.activate(layouts === this.planar ? this.nchw(x) : this.nhwc(x), kind));
        return;
      }
      case 'reduce': {
        if (node.attributes.kind !== 'mean') {
          throw new Error(`the reduction ${node.attributes.kind} is not written as ONNX here`);
        }
        this.flat.set(
          y,
          this.emit('ReduceMean', [this.nhwc(x)], {
            axes: node.attributes.axes,
            keepdims: y.shape.length === x.shape.length ? 1 : 0,
          }),
        );
        return;
      }
      case 'pad': {
        if (node.attributes.mode !== 'constant' || node.attributes.value !== 0) {
          throw new Error('this padding is not written as ONNX here');
        }
        this.flat.set(
          y,
          this.emit('Pad', [this.nhwc(x),
            this.integers(`${node.name}:pads`, [...node.attributes.before, ...node.attributes.after])], {}),
        );
        return;
      }
      case 'reshape':
        this.flat.set(y, this.emit('Reshape', [this.nhwc(x), this.integers(`${node.name}:shape`, y.shape)], {}));
        return;
      case 'transpose':
        this.flat.set(y, this.emit('Transpose', [this.nhwc(x)], { perm: node.attributes.perm }));
        return;
      case 'softmax': {
        if (node.attributes.beta !== 1) throw new Error('softmax with beta is not written as ONNX here');
        this.flat.set(y, this.emit('Softmax', [this.nhwc(x)], { axis: -1 }));
        return;
      }
      default:
        throw new Error(`${node.op} is not written as ONNX here`);
    }
  }

  private bias(node: AnyNode): string[] {
    const bias = node.inputs[2];
    return bias ? [this.constant(`${node.name}:b`, bias.shape, bias.data as Float32Array)] : [];
  }

  private activate(x: string, activation: FusedActivation): string {
    if (activation === 'none') return x;
    if (activation === 'relu') return this.emit('Relu', [x], {});
    const [low, high] = { relu6: [0, 6], reluN1To1: [-1, 1], relu0To1: [0, 1] }[activation] as [number, number];
    const limit = (value: number): string => this.constant(`limit:${this.count++}`, [], Float32Array.of(value));
    return this.emit('Clip', [x, limit(low), limit(high)], {});
  }

  private nhwc(tensor: Tensor): string {
    return this.layout(tensor, this.flat, this.planar, [0, 2, 3, 1]);
  }

  private nchw(tensor: Tensor): string {
    return this.layout(tensor, this.planar, this.flat, [0, 3, 1, 2]);
  }

  private layout(tensor: Tensor, wanted: Map<Tensor, string>, other: Map<Tensor, string>, perm: number[]): string {
    if (tensor.data) return this.constant(tensor.name, tensor.shape, tensor.data as Float32Array);
    const known = wanted.get(tensor);
    if (known !== undefined) return known;
    const source = other.get(tensor);
    if (source === undefined) throw new Error(`"${tensor.name}" is read before it is written`);
    const made = this.emit('Transpose', [source], { perm });
    wanted.set(tensor, made);
    return made;
  }

  private emit(
    op: string,
    inputs: string[],
    attributes: Record<string, number | number[]>,
    output = `v${this.count++}`,
  ): string {
    this.nodes.push((writer) => {
      inputs.forEach((name) => text(writer, 1, name));
      text(writer, 2, output);
      text(writer, 4, op);
      for (const [name, value] of Object.entries(attributes)) message(writer, 5, attribute(name, value));
    });
    return output;
  }

  private constant(name: string, shape: number[], data: Float32Array): string {
    this.constants.push((writer) => {
      shape.forEach((dimension) => int(writer, 1, dimension));
      int(writer, 2, FLOAT);
      text(writer, 8, name);
      writer.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    });
    return name;
  }

  private integers(name: string, values: number[]): string {
    this.constants.push((writer) => {
      int(writer, 1, values.length);
      int(writer, 2, INT64);
      text(writer, 8, name);
      writer.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
    });
    return name;
  }
}

/** AttributeProto */
function attribute(name: string, value: number | number[]): Write {
  return (writer) => {
    text(writer, 1, name);
    if (typeof value === 'number') int(writer, 3, value);
    else value.forEach((v) => int(writer, 8, v));
    int(writer, 20, typeof value === 'number' ? ATTRIBUTE_INT : ATTRIBUTE_INTS);
  };
}

/** ValueInfoProto of a float tensor */
function port(name: string, shape: number[]): Write {
  return (writer) => {
    text(writer, 1, name);
    message(writer, 2, (type) =>
      message(type, 1, (tensor) => {
        int(tensor, 1, FLOAT);
        message(tensor, 2, (dimensions) => shape.forEach((size) => message(dimensions, 1, (d) => int(d, 1, size))));
      }));
  };
}

/** The transpose of up to four dimensions. */
function permute(data: Float32Array, shape: number[], perm: number[]): Float32Array {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const sizes = perm.map((p) => shape[p]!);
  const steps = perm.map((p) => strides[p]!);
  const out = new Float32Array(data.length);
  const index = sizes.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = data[index.reduce((at, value, d) => at + value * steps[d]!, 0)]!;
    for (let d = sizes.length - 1; d >= 0 && ++index[d]! === sizes[d]; d--) index[d] = 0;
  }
  return out;
}
