import { RECORD_DTYPE, RECORD_OPCODE, SOURCE_IN_WEIGHTS } from '../../assembly/layout';

/** The fields of one record of a plan, by their offsets in assembly/layout.ts. */
export class PlanRecord {
  readonly opcode: number;
  readonly dtype: number;

  /** @param index number of the record in the plan */
  constructor(private readonly plan: DataView, private readonly at: number, readonly index: number) {
    this.opcode = plan.getUint8(at + RECORD_OPCODE);
    this.dtype = plan.getUint8(at + RECORD_DTYPE);
  }

  int(field: number, i = 0): number {
    return this.plan.getInt32(this.at + field + 4 * i, true);
  }

  float(field: number): number {
    return this.plan.getFloat32(this.at + field, true);
  }

  ints(field: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.int(field, i));
  }

  /** Where a source is: in the arena, or in the weights. */
  operand(field: number): { isConstant: boolean; offset: number } {
    const raw = this.plan.getUint32(this.at + field, true);
    const isConstant = raw >= SOURCE_IN_WEIGHTS;
    return { isConstant, offset: isConstant ? raw - SOURCE_IN_WEIGHTS : raw };
  }
}
