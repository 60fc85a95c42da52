import { KletError } from '../../errors';
import type { Tensor } from '../../graph/graph';
import type { Constant } from './constants';
import type { NodeEmitter } from './nodeEmitter';
import { UnsupportedForm } from './unsupported';

/** One operator of a file whose tensors have no shapes: its inputs, and what emits its nodes. */
export class FileOperator {
  /**
   * @param kind - The operator, such as `Conv`.
   * @param name - Its name or first output, for messages.
   * @param operands - The inputs; null for an optional input that is absent.
   * @param emit - Emits the nodes of the graph.
   */
  constructor(
    readonly kind: string,
    readonly name: string,
    readonly operands: readonly (Tensor | null)[],
    readonly emit: NodeEmitter,
  ) {}

  get inputCount(): number {
    return this.operands.length;
  }

  /** All inputs, which must be present. */
  get inputs(): Tensor[] {
    return this.operands.map((_, i) => this.input(i));
  }

  input(i: number): Tensor {
    const tensor = this.optional(i);
    if (!tensor) throw new KletError('CORRUPT', `${this.kind} "${this.name}" lacks its input ${i}`);
    return tensor;
  }

  optional(i: number): Tensor | null {
    return this.operands[i] ?? null;
  }

  has(i: number): boolean {
    return Boolean(this.operands[i]);
  }

  constant(i: number, what: string): Constant {
    const tensor = this.input(i);
    if (!tensor.data) throw new UnsupportedForm(`${what} computed at run time`);
    return tensor as Constant;
  }

  /** A single number that is an optional constant input. */
  scalar(i: number, what: string): number | undefined {
    if (!this.has(i)) return undefined;
    const { data } = this.constant(i, what);
    if (data.length !== 1) throw new UnsupportedForm(`${data.length} numbers as ${what}`);
    return data[0]!;
  }

  /** An axis counted from 0; negative ones count from the end. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (!(positive >= 0 && positive < Math.max(rank, 1))) {
      throw new KletError('CORRUPT', `${this.kind} "${this.name}" has the axis ${axis} of ${rank} dimensions`);
    }
    return positive;
  }

  /** Refuses the operator unless `condition` holds; `form` completes "OPERATOR with …". */
  check(condition: boolean, form: string): void {
    if (!condition) throw new UnsupportedForm(form);
  }
}

/**
 * The error for an operator whose mapping failed. Mappings rely on the inputs and attributes that
 * the operator must have.
 */
export function malformedOperator({ kind, name }: FileOperator, cause: unknown): KletError {
  const message = `the ${kind} "${name}" lacks inputs or attributes that it must have, or has others`;
  return new KletError('CORRUPT', message, { cause });
}
