import type { Tensor } from '../../graph/graph';
import type { CellActivation } from '../../graph/operators';
import { OperatorImport, type Operand } from '../shared/operatorImport';
import type { UniqueNames } from '../shared/uniqueNames';
import { UnsupportedForm } from '../shared/unsupported';
import type { Loop } from './loops/loop';
import { fusedActivations, type OperatorKind, type Options } from './schema';
import type { ScaleAndZeroPoint } from './tensorTable';

/** The parts of an operator that only TensorFlow Lite has. */
interface Extras {
  customOptions: Uint8Array;
  /** The value of the variable that a READ_VARIABLE reads. */
  variable(): Tensor;
  /** The layer that a WHILE computes. */
  loop(): Loop;
  /** Whether anything reads an output. */
  isRead(output: number): boolean;
  /**
   * Quantization of an input that is the state of a layer, which need not be supported otherwise.
   */
  quantizationOfState(i: number): ScaleAndZeroPoint | undefined;
  quantizationOfIntermediate(i: number): ScaleAndZeroPoint | undefined;
}

const activations: Record<(typeof fusedActivations)[number], CellActivation | undefined> = {
  NONE: 'none',
  RELU: 'relu',
  RELU_N1_TO_1: 'reluN1To1',
  RELU6: 'relu6',
  TANH: 'tanh',
  SIGN_BIT: undefined,
};

/** One operator of a .tflite file. */
export class TfliteOperator<K extends OperatorKind = OperatorKind> extends OperatorImport<Options<K>> {
  constructor(
    kind: K,
    options: Options<K>,
    operands: readonly (Operand | null)[],
    results: readonly Operand[],
    names: UniqueNames,
    private readonly extras: Extras,
  ) {
    super(kind, options, operands, results, names);
  }

  get customOptions(): Uint8Array {
    return this.extras.customOptions;
  }

  /** The value that a READ_VARIABLE reads. */
  get variable(): Tensor {
    return this.extras.variable();
  }

  get loop(): Loop {
    return this.extras.loop();
  }

  isRead(output: number): boolean {
    return this.extras.isRead(output);
  }

  quantizationOfState(i: number): ScaleAndZeroPoint | undefined {
    return this.extras.quantizationOfState(i);
  }

  quantizationOfIntermediate(i: number): ScaleAndZeroPoint | undefined {
    return this.extras.quantizationOfIntermediate(i);
  }

  /** A fused activation by its code in the file. */
  activation(code: number): CellActivation {
    const name = fusedActivations[code];
    const activation = name && activations[name];
    if (!activation) throw new UnsupportedForm(`fused activation ${name ?? code}`);
    return activation;
  }
}

export type Mapping<K extends OperatorKind> = (operator: TfliteOperator<K>) => void;
export type Mappings = { [K in OperatorKind]?: Mapping<K> };
