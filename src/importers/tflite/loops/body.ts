import type { Constant } from '../../shared/constants';
import { UnsupportedForm } from '../../shared/unsupported';
import type { TfliteReader } from '../reader';
import { optionsOf, type OperatorKind, type Options } from '../schema';
import type { FileOperator, TensorTable } from '../tensorTable';

/** A subgraph with its operators and tensors. */
export interface Scope {
  inputs: readonly number[];
  outputs: readonly number[];
  operators: readonly FileOperator[];
  tensors: TensorTable;
}

/** A part of a loop's body that is not what a recurrent layer computes. */
export class Mismatch extends UnsupportedForm {}

/** `counter` + `offset`, where the counter is an input of the body; without one, a constant. */
export interface Position {
  counter?: number;
  offset: number;
}

/** The name of an operator's kind; TensorFlow's own operators have the prefix Flex. */
export function kindOf({ kind, customName }: FileOperator): string {
  return kind === 'CUSTOM' ? customName.replace(/^Flex/, '') : kind;
}

/** Upper limit of the look-ups in a body; a layer needs some hundreds. */
const MAX_LOOK_UPS = 4000;

/** The operators of a loop's body or condition, found by their results. */
export class Body {
  private lookUpsLeft = MAX_LOOK_UPS;

  /** @param outer returns the constant that an input of the subgraph is in all steps, if any */
  constructor(
    readonly scope: Scope,
    private readonly reader: TfliteReader,
    private readonly outer: (input: number) => Constant | undefined,
  ) {}

  /** The operator that computes a tensor. */
  producer(index: number): FileOperator | undefined {
    if (this.lookUpsLeft-- <= 0) throw new Mismatch('a body that is larger than a recurrent layer');
    return this.scope.operators[this.scope.tensors.producers.get(index) ?? -1];
  }

  /** The operator of this kind that computes a tensor, or undefined. */
  find(index: number, ...kinds: string[]): FileOperator | undefined {
    const producer = this.producer(index);
    return producer && kinds.includes(kindOf(producer)) ? producer : undefined;
  }

  /** The inputs of the operator that computes a tensor, which must be of this kind. */
  inputsOf(index: number, ...kinds: string[]): readonly number[] {
    const producer = this.find(index, ...kinds);
    if (!producer) throw this.mismatch(index, kinds.join(' or '));
    return producer.source.inputs;
  }

  options<K extends OperatorKind>(kind: K, { source }: FileOperator): Options<K> {
    const [table, tag] = optionsOf(kind);
    return this.reader.table(table, source.builtinOptionsType === tag ? source.builtinOptions : 0) as Options<K>;
  }

  /** A constant of the body, or of the network around the loop. */
  constant(index: number): Constant | undefined {
    const at = this.scope.inputs.indexOf(index);
    if (at >= 0) return this.outer(at);
    return this.scope.tensors.constant(index) as Constant | undefined;
  }

  integers(index: number): number[] | undefined {
    const constant = this.constant(index);
    return constant?.dtype === 'int32' ? Array.from(constant.data) : undefined;
  }

  /** Whether a tensor is a constant whose elements are all `value`. */
  isFilledWith(index: number, value: number): boolean {
    const constant = this.constant(index);
    return constant?.dtype === 'float32' && constant.data.length > 0 &&
      (constant.data as Float32Array).every((x) => x === value);
  }

  /** A tensor without the multiplications by 1 that a dropout leaves. */
  plain(index: number): number {
    const [a, b] = this.find(index, 'MUL')?.source.inputs ?? [];
    if (a !== undefined && b !== undefined && this.isUnfused(index)) {
      if (this.isFilledWith(b, 1)) return this.plain(a);
      if (this.isFilledWith(a, 1)) return this.plain(b);
    }
    return index;
  }

  /** The code of the activation that is fused into the operator that computes a tensor. */
  fusedActivation(index: number): number {
    const producer = this.find(index, 'ADD', 'SUB', 'MUL', 'FULLY_CONNECTED');
    return producer ? this.options(producer.kind as 'ADD', producer).fusedActivationFunction : 0;
  }

  isUnfused(index: number): boolean {
    return this.fusedActivation(index) === 0;
  }

  /** The two inputs of a commutative operator, in both orders. */
  pairs(index: number, kind: string): [number, number][] {
    const [a = -1, b = -1] = this.inputsOf(index, kind);
    if (!this.isUnfused(index)) throw this.mismatch(index, `${kind} without a fused activation`);
    return [[a, b], [b, a]];
  }

  /** The integers that a scalar or vector has, as far as they follow from counters. */
  positions(index: number): Position[] | undefined {
    const constant = this.integers(index);
    if (constant) return constant.map((offset) => ({ offset }));
    const at = this.scope.inputs.indexOf(index);
    if (at >= 0) return this.shape(index).length === 0 ? [{ counter: at, offset: 0 }] : undefined;
    const producer = this.find(index, 'RESHAPE', 'EXPAND_DIMS', 'SQUEEZE', 'PACK', 'CONCATENATION', 'ADD');
    if (!producer || this.shape(index).length > 1) return undefined;
    const [first = -1, second = -1] = producer.source.inputs;
    if (producer.kind === 'ADD') {
      const [addend, ...rest] = this.integers(second) ?? [];
      if (addend === undefined || rest.length > 0 || !this.isUnfused(index)) return undefined;
      return this.positions(first)?.map((position) => ({ ...position, offset: position.offset + addend }));
    }
    const isJoined = producer.kind === 'PACK' || producer.kind === 'CONCATENATION';
    const parts = (isJoined ? producer.source.inputs : [first]).map((part) => this.positions(part));
    return parts.includes(undefined) ? undefined : (parts as Position[][]).flat();
  }

  /** The single integer that a tensor has. */
  position(index: number): Position | undefined {
    const positions = this.positions(index);
    return positions?.length === 1 ? positions[0] : undefined;
  }

  shape(index: number): readonly number[] {
    return this.scope.tensors.shape(index);
  }

  /** The error for a tensor that is not computed as a recurrent layer computes it. */
  mismatch(index: number, expected: string): Mismatch {
    const producer = this.producer(index);
    const found = producer ? kindOf(producer) : 'a value';
    return new Mismatch(`${found} "${
      this.scope.tensors.name(index)
    }" in its body, where a recurrent layer has ${expected}`);
  }
}
