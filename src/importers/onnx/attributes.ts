import { create } from '@bufbuild/protobuf';
import { AttributeProtoSchema, type AttributeProto, type GraphProto, type TensorProto } from './onnx_pb';

/** The attributes of a node, by name. */
export class NodeAttributes {
  private readonly byName: Map<string, AttributeProto>;

  constructor(attributes: readonly AttributeProto[]) {
    this.byName = new Map(attributes.map((attribute) => [attribute.name, attribute]));
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** These attributes with another number. */
  with(name: string, f: number): NodeAttributes {
    return new NodeAttributes([...this.byName.values(), create(AttributeProtoSchema, { name, f })]);
  }

  int(name: string, absent: number): number {
    const attribute = this.byName.get(name);
    return attribute ? clamp(attribute.i) : absent;
  }

  float(name: string, absent: number): number {
    return this.byName.get(name)?.f ?? absent;
  }

  ints(name: string): number[] | undefined {
    return this.byName.get(name)?.ints.map(clamp);
  }

  floats(name: string): number[] | undefined {
    return this.byName.get(name)?.floats;
  }

  string(name: string, absent: string): string {
    const attribute = this.byName.get(name);
    return attribute ? new TextDecoder().decode(attribute.s) : absent;
  }

  strings(name: string): string[] | undefined {
    return this.byName.get(name)?.strings.map((bytes) => new TextDecoder().decode(bytes));
  }

  tensor(name: string): TensorProto | undefined {
    return this.byName.get(name)?.t;
  }

  graph(name: string): GraphProto | undefined {
    return this.byName.get(name)?.g;
  }
}

/** An int64 as a number. Those that do not fit int32 mean "to the end" and saturate. */
function clamp(value: bigint): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number(value)));
}
