import { KletError } from '../../errors';
import { elementCount, type Tensor } from '../../graph/graph';
import { dequantizeConstant } from '../shared/constants';
import { UniqueNames } from '../shared/uniqueNames';
import { UnsupportedTensor } from '../shared/unsupported';
import type { TfliteReader } from './reader';
import { tensorTypes, type Table } from './schema';
import { convertTensor } from './tensors';

/** An operator of the file with the name of its code. */
export interface FileOperator {
  /** The built-in operator's name; CUSTOM for custom ones. */
  kind: string;
  customName: string;
  source: Table<'Operator'>;
}

/** Quantization of a whole tensor. */
export interface ScaleAndZeroPoint {
  scale: number;
  zeroPoint: number;
}

/** Bytes that the constants of any file may take, which share buffers or are stored compactly. */
const FREE_BYTES = 2 ** 28;
/** Those of larger files may take this many times the file. */
const MOST_EXPANSION = 16;

/** The tensors of a subgraph, converted on first use, with unique names. */
export class TensorTable {
  private readonly converted = new Map<number, Tensor>();
  readonly uniqueNames = new UniqueNames();
  private readonly names: string[];
  private constantBytes = 0;
  /** Names that are kept free for copies of tensors, so that no tensor gets them. */
  readonly reserved: readonly string[];
  /** The operator that computes each tensor. */
  readonly producers = new Map<number, number>();

  constructor(
    private readonly file: Uint8Array,
    private readonly buffers: Table<'Buffer'>[],
    private readonly subgraph: Table<'SubGraph'>,
    private readonly operators: FileOperator[],
    wishes: Map<number, string>,
    private readonly reader: TfliteReader,
    reserved: readonly string[] = [],
  ) {
    // names of the signature come first, so that they stay unchanged
    this.names = subgraph.tensors.map((_, i) => (wishes.get(i) ? this.uniqueNames.take(wishes.get(i)!) : ''));
    this.reserved = reserved.map((name) => this.uniqueNames.take(name));
    subgraph.tensors.forEach((tensor, i) => (this.names[i] ||= this.uniqueNames.take(tensor.name || `tensor_${i}`)));
    operators.forEach(({ source }, i) => {
      for (const output of source.outputs) {
        if (this.producers.has(output)) {
          throw new KletError('INVALID_GRAPH', `tensor "${this.name(output)}" is computed by two operators`);
        }
        this.producers.set(output, i);
      }
    });
  }

  name(index: number): string {
    return this.names[index] ?? `tensor_${index}`;
  }

  get(index: number): Tensor {
    const known = this.converted.get(index);
    if (known) return known;
    const source = this.subgraph.tensors[index];
    if (!source) {
      throw new KletError('CORRUPT', `the file refers to tensor ${index} of ${this.subgraph.tensors.length}`);
    }
    const tensor = this.folded(index) ?? convertTensor(this.file, this.buffers, source, this.name(index), this.reader);
    this.countConstant(tensor);
    if (source.isVariable && !tensor.data) throw new UnsupportedTensor(`"${tensor.name}" (state kept between runs)`);
    this.converted.set(index, tensor);
    return tensor;
  }

  /** @throws KletError `OUT_OF_MEMORY` if tensors share buffers too often */
  private countConstant({ name, data }: Tensor): void {
    this.constantBytes += data?.byteLength ?? 0;
    const limit = Math.max(FREE_BYTES, MOST_EXPANSION * this.file.length);
    if (this.constantBytes <= limit) return;
    throw new KletError(
      'OUT_OF_MEMORY',
      `tensor "${name}" brings the constants of the file to ${this.constantBytes} bytes; the limit is ${limit}, ` +
        `the larger of 256 MiB and ${MOST_EXPANSION} times the file`,
    );
  }

  /** Replaces a tensor by integers that are known before the network runs. */
  defineIntegers(index: number, values: readonly number[]): void {
    const { shape, type } = this.subgraph.tensors[index]!;
    if (elementCount(shape) !== values.length) return;
    const dtype = tensorTypes[type] === 'INT64' ? 'int64' : 'int32';
    this.converted.set(index, { name: this.name(index), shape, dtype, data: Int32Array.from(values) });
  }

  /** Replaces a tensor of the file. */
  define(index: number, tensor: Tensor): void {
    this.converted.set(index, tensor);
  }

  /**
   * Scale and zero point of a tensor that is not converted: a layer's state or its intermediate
   * results.
   */
  quantizationOf(index: number): ScaleAndZeroPoint | undefined {
    const { scale: [scale] = [], zeroPoint: [zeroPoint = 0] = [] } = this.subgraph.tensors[index]?.quantization ?? {};
    return scale === undefined || !(scale > 0 && scale < Infinity) ? undefined : { scale, zeroPoint };
  }

  /** A tensor that is known before the network runs: a dequantized or filled constant. */
  private folded(index: number): Tensor | undefined {
    const producer = this.operators[this.producers.get(index) ?? -1];
    if (producer?.kind === 'FILL' || producer?.kind === 'ZEROS_LIKE') return this.filled(index, producer);
    if (producer?.kind !== 'DEQUANTIZE' && producer?.kind !== 'DENSIFY') return undefined;
    const input = producer.source.inputs[0] ?? -1;
    // float16 values computed at run time are not supported, so only stored ones may be converted
    if (this.subgraph.inputs.includes(input) ||
      (this.producers.has(input) && this.operators[this.producers.get(input)!]!.kind !== 'DENSIFY')) return undefined;
    const stored = this.get(input);
    return stored.data &&
      { ...(producer.kind === 'DENSIFY' ? stored : dequantizeConstant(stored)), name: this.name(index) };
  }

  /** A tensor of one constant value. */
  private filled(index: number, { kind, source }: FileOperator): Tensor | undefined {
    const own = this.subgraph.tensors[index];
    const value = kind === 'FILL' ? this.get(source.inputs[1] ?? -1).data : undefined;
    if (!own || (kind === 'FILL' && !value)) return undefined;
    const tensor = convertTensor(this.file, this.buffers, own, this.name(index), this.reader);
    const count = elementCount(tensor.shape);
    if (count > MAX_FILLED) return undefined;
    const zero = tensor.quantization?.zeroPoint[0] ?? 0;
    const data = zeros(tensor, count);
    data.fill(value?.[0] ?? zero);
    return { ...tensor, data };
  }

  /** A tensor if its value is known before the network runs. */
  constant(index: number): Tensor | undefined {
    const source = this.subgraph.tensors[index];
    if (!source || this.subgraph.inputs.includes(index)) return undefined;
    const { data, offset } = this.buffers[source.buffer] ?? {};
    if (!this.producers.has(index) && !data?.length && !offset) return undefined;
    const known = this.converted.get(index) ?? (this.producers.has(index) ? this.folded(index) : this.get(index));
    if (known?.data) this.converted.set(index, known);
    return known?.data ? known : undefined;
  }

  shape(index: number): readonly number[] {
    return this.subgraph.tensors[index]?.shape ?? [];
  }

  /** The element type in the file. */
  dtype(index: number): string {
    return tensorTypes[this.subgraph.tensors[index]?.type ?? -1]?.toLowerCase() ?? 'no type';
  }

  /** Whether a tensor is of complex numbers. */
  isComplex(index: number): boolean {
    return tensorTypes[this.subgraph.tensors[index]?.type ?? -1] === 'COMPLEX64';
  }

  /** Whether a tensor is a list of tensors. */
  isList(index: number): boolean {
    return tensorTypes[this.subgraph.tensors[index]?.type ?? -1] === 'VARIANT';
  }
}

/** Most elements of a constant that the importer makes itself. */
const MAX_FILLED = 1 << 24;

function zeros({ dtype }: Tensor, count: number): NonNullable<Tensor['data']> {
  if (dtype === 'float32') return new Float32Array(count);
  if (dtype === 'int8') return new Int8Array(count);
  return dtype === 'uint8' || dtype === 'bool' ? new Uint8Array(count) : new Int32Array(count);
}
