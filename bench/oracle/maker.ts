import { encodeData, writeTflite, type TfliteOperator, type TfliteTensor } from '../../test/tflite/writer';

/** `hybrid`: float32 activations with int8 weights. */
export type ElementType = 'float32' | 'int8' | 'uint8' | 'hybrid';

/** A small network with random parameters, and inputs to run it on. */
export interface OracleCase {
  name: string;
  operator: string;
  type: ElementType;
  tensors: TfliteTensor[];
  operators: TfliteOperator[];
  inputs: string[];
  outputs: string[];
  network: Uint8Array;
  /** The inputs of each sample, as bytes of their tensors. */
  samples: Uint8Array[][];
}

/** Seeded random numbers from a multiplicative congruential generator, equal on all platforms. */
export class Random {
  constructor(private state: number) {
    for (let i = 0; i < 8; i++) this.next();
  }
  next(): number {
    this.state = (this.state * 48271) % 2147483647;
    return this.state / 2147483647;
  }
  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }
  /** A whole number from low to high, inclusive. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)]!;
  }
}

export const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const lowest = { int8: -128, uint8: 0 };

/** Collects the tensors and operators of one case; activations are of the case's element type. */
export class Maker {
  readonly tensors: TfliteTensor[] = [];
  readonly operators: TfliteOperator[] = [];
  readonly inputs: string[] = [];
  readonly outputs: string[] = [];
  private readonly ranges = new Map<string, [number, number]>();
  private readonly bounded = new Set<string>();

  /**
   * @param hasRoundScales use powers of two as scales, so that sums and products are often rounding
   *   ties
   */
  constructor(readonly type: ElementType, readonly random: Random, readonly hasRoundScales = false) {}

  /** Whether activations are float32. */
  get isFloat(): boolean {
    return this.type === 'float32' || this.type === 'hybrid';
  }

  private add(tensor: Omit<TfliteTensor, 'name'>, prefix: string): string {
    const name = `${prefix}${this.tensors.length}`;
    this.tensors.push({ name, ...tensor });
    return name;
  }

  /**
   * An activation with values around low … high. The range of its quantization varies slightly.
   */
  activation(shape: number[], low: number, high: number, type = this.type, prefix = 't'): string {
    if (type === 'float32' || type === 'hybrid') {
      const name = this.add({ shape, type: 'FLOAT32' }, prefix);
      this.ranges.set(name, [low, high]);
      return name;
    }
    const from = Math.min(low * this.random.between(0.7, 1.2), 0);
    const to = Math.max(high * this.random.between(0.7, 1.2), 0);
    const step = (to - from) / 255;
    const scale = Math.fround(this.hasRoundScales ? 2 ** Math.ceil(Math.log2(step)) : step);
    const zeroPoint = Math.min(Math.max(Math.round(-from / scale), 0), 255) + lowest[type];
    const name = this.add(
      { shape, type: type === 'int8' ? 'INT8' : 'UINT8', quantization: { scale, zeroPoint } },
      prefix,
    );
    this.ranges.set(name, [low, high]);
    return name;
  }

  /**
   * Limits the values of a quantized tensor to its nominal range; by default they are arbitrary.
   */
  bound(name: string): string {
    this.bounded.add(name);
    return name;
  }

  input(shape: number[], low: number, high: number, type = this.type): string {
    const name = this.activation(shape, low, high, type, 'x');
    this.inputs.push(name);
    return name;
  }

  output(shape: number[], low: number, high: number, type = this.type): string {
    const name = this.activation(shape, low, high, type, 'y');
    this.outputs.push(name);
    return name;
  }

  /**
   * An activation with the type and quantization of another tensor, or with a prescribed
   * quantization.
   */
  like(other: string, shape: number[], quantization = this.find(other).quantization, prefix = 't'): string {
    return this.add({ shape, type: this.find(other).type, ...(quantization && { quantization }) }, prefix);
  }

  outputLike(other: string, shape: number[], quantization = this.find(other).quantization): string {
    const name = this.like(other, shape, quantization, 'y');
    this.outputs.push(name);
    return name;
  }

  /** Another input with the type, quantization and range of `other`. */
  inputLike(other: string, shape: number[]): string {
    const name = this.like(other, shape, undefined, 'x');
    this.ranges.set(name, this.ranges.get(other) ?? [0, 0]);
    this.inputs.push(name);
    return name;
  }

  /** A state tensor of a layer. */
  variable(shape: number[], type: TfliteTensor['type'], quantization?: TfliteTensor['quantization']): string {
    return this.add({ shape, type, isVariable: true, ...(quantization && { quantization }) }, 's');
  }

  /** Quantization parameters of a layer's intermediate tensor. */
  intermediate(type: TfliteTensor['type'], scale: number, zeroPoint = 0): string {
    return this.add({ shape: [], type, quantization: { scale, zeroPoint } }, 'i');
  }

  /** Constants in −reach … reach, int16 in int8 networks and float otherwise. */
  wide(shape: number[], reach: number): string {
    const data = Array.from({ length: elements(shape) }, () => this.random.between(-reach, reach));
    if (this.isFloat) return this.add({ shape, type: 'FLOAT32', data: data.map(Math.fround) }, 'v');
    const scale = Math.fround(reach * this.random.between(1, 1.5) / 32767);
    return this.add(
      { shape, type: 'INT16', data: data.map((v) => Math.round(v / scale)), quantization: { scale } },
      'v',
    );
  }

  integers(data: number[], shape = [data.length]): string {
    return this.add({ shape, type: 'INT32', data }, 'c');
  }

  floats(data: number[], shape = [data.length]): string {
    return this.add({ shape, type: 'FLOAT32', data }, 'c');
  }

  /** Complex numbers between two operators. */
  complex(shape: number[]): string {
    return this.add({ shape, type: 'COMPLEX64' }, 'z');
  }

  /** Truth values between two operators. */
  truths(shape: number[]): string {
    return this.add({ shape, type: 'BOOL' }, 'b');
  }

  /** Emits the float output that is 1 where `truths` holds and 0 elsewhere. */
  emitTruths(truths: string): void {
    const output = this.output(this.find(truths).shape, 0, 1, 'float32');
    this.emit('CAST', [truths], [output], { inDataType: 'BOOL', outDataType: 'FLOAT32' });
  }

  integerOutput(shape: number[]): string {
    const name = this.add({ shape, type: 'INT32' }, 'y');
    this.outputs.push(name);
    return name;
  }

  /**
   * Weights in −1 … 1: int8 symmetric with a scale per index of `axis`, uint8 with a zero point, or
   * float.
   */
  weights(shape: number[], axis: number | null): string {
    const count = elements(shape);
    if (this.type === 'float32') {
      return this.add({
        shape,
        type: 'FLOAT32',
        data: Array.from({ length: count }, () => Math.fround(this.random.between(-1, 1))),
      }, 'w');
    }
    if (this.type === 'uint8') {
      const data = Array.from({ length: count }, () => this.random.int(0, 255));
      return this.add({
        shape,
        type: 'UINT8',
        data,
        quantization: { scale: Math.fround(2 / 255), zeroPoint: this.random.int(100, 150) },
      }, 'w');
    }
    const data = Array.from({ length: count }, () => this.random.int(-127, 127));
    const scales = Array.from(
      { length: axis === null ? 1 : shape[axis]! },
      () => Math.fround(this.random.between(0.5, 1.5) / 127),
    );
    return this.add({ shape, type: 'INT8', data, quantization: { scale: scales, axis: axis ?? 0 } }, 'w');
  }

  bias(count: number, x: string, w: string): string {
    if (this.isFloat) {
      return this.add({
        shape: [count],
        type: 'FLOAT32',
        data: Array.from({ length: count }, () => Math.fround(this.random.between(-2, 2))),
      }, 'b');
    }
    const xScale = this.find(x).quantization!.scale as number;
    return this.sumBias(count, [this.find(w).quantization!.scale].flat().map((s) => Math.fround(s * xScale)));
  }

  /** An int32 bias with the given scale: one, or one per channel. */
  sumBias(count: number, scale: number[]): string {
    const data = Array.from(
      { length: count },
      (_, i) => Math.round(this.random.between(-2, 2) / scale[i % scale.length]!),
    );
    return this.add({ shape: [count], type: 'INT32', data, quantization: { scale } }, 'b');
  }

  /** A constant activation. */
  constant(shape: number[], low: number, high: number, isBounded = false): string {
    const name = this.activation(shape, low, high, this.type, 'k');
    if (isBounded) this.bound(name);
    this.find(name).data = this.values(this.find(name));
    return name;
  }

  emit(
    kind: string,
    inputs: (string | null)[],
    outputs: string[],
    options?: Record<string, unknown>,
    rest: Partial<TfliteOperator> = {},
  ): void {
    this.operators.push({ kind, inputs, outputs, ...(options && { options }), ...rest });
  }

  find(name: string): TfliteTensor {
    return this.tensors.find((tensor) => tensor.name === name)!;
  }

  private values({ name, shape, type, quantization }: TfliteTensor): number[] {
    const [low, high] = this.ranges.get(name) ?? [0, 0];
    const count = elements(shape);
    const shift = type === 'INT8' ? -128 : 0;
    if (type === 'FLOAT32') return Array.from({ length: count }, () => Math.fround(this.random.between(low, high)));
    if (this.bounded.has(name)) {
      const { scale, zeroPoint } = quantization as { scale: number; zeroPoint: number };
      const [least, most] = [shift, shift + 255];
      return Array.from(
        { length: count },
        () => Math.min(Math.max(Math.round(this.random.between(low, high) / scale) + zeroPoint, least), most),
      );
    }
    // large inputs enumerate all values, to cover tables completely
    const isTable = count % 256 === 0;
    return Array.from({ length: count }, (_, i) => shift + (isTable ? i & 255 : this.random.int(0, 255)));
  }

  finish(operator: string, sampleCount: number): OracleCase {
    const { type, tensors, operators, inputs, outputs } = this;
    const samples = Array.from(
      { length: sampleCount },
      () => inputs.map((name) => encodeData(this.find(name).type, this.values(this.find(name)))),
    );
    return {
      name: '',
      operator,
      type,
      tensors,
      operators,
      inputs,
      outputs,
      network: writeTflite({ tensors, operators, inputs, outputs }),
      samples,
    };
  }
}
