import { checkFunction, checkObject, isString, show } from '../arguments';
import { describeValue, KletError } from '../errors';
import type { Model, TensorInfo } from '../index';
import { checkNames, checkShape, countOf, newArray, run, toInt32, valueType,
  type OutputArray } from '../switching/values';
import { foreignTensor, type ForeignTensor as ValueSource } from './creation';
import { Tensor, valuesAs, type DataType, type NamedTensorMap } from './tensor';
import { unsupportedTf } from './unsupported';

// The networks of kinglet/tfjs.

/** What a model says of an input or output. */
export interface ModelTensorInfo {
  name: string;
  shape?: number[];
  dtype: DataType;
}

/** Accepted and ignored: kinglet runs a network in one call. */
export interface ModelPredictConfig {
  batchSize?: number;
  verbose?: boolean;
}

function dtypeOf(info: TensorInfo): DataType {
  const type = valueType(info);
  return type === 'float32' || type === 'bool' ? type : 'int32';
}

interface Values {
  shape: number[];
  dtype: DataType;
  values: ArrayLike<number>;
}

/** A tensor of this entry, or of TensorFlow.js itself. @throws KletError `TYPE_MISMATCH` */
function valuesOf(tensor: unknown, { name }: TensorInfo): Values {
  const found: ValueSource | undefined = tensor instanceof Tensor ? tensor : foreignTensor(tensor);
  if (found) return { shape: found.shape, dtype: found.dtype, values: found.dataSync() };
  throw new KletError(
    'TYPE_MISMATCH',
    `input "${name}" takes a tensor, such as tf.tensor(values, shape), not ${describeValue(tensor)}`,
  );
}

/** The values as the model takes them. @throws KletError `TYPE_MISMATCH` or `BAD_ARGUMENT` */
function forInput(info: TensorInfo, { values, dtype }: Values): Float32Array | Int32Array | Uint8Array {
  const type = valueType(info);
  if (type === 'float32') return valuesAs(values, 'float32');
  if (type === 'bool' && dtype === 'bool') return values as Uint8Array;
  if (type === 'int32' || type === 'int64') return toInt32(values, `input "${info.name}"`);
  throw new KletError('TYPE_MISMATCH', `input "${info.name}" takes ${type}, and the tensor is ${dtype}`);
}

function outputTensor(info: TensorInfo, values: OutputArray, shape: readonly number[]): Tensor {
  const dtype = dtypeOf(info);
  const numbers = values instanceof BigInt64Array ? Array.from(values, Number) : values;
  return new Tensor(valuesAs(numbers, dtype), shape, dtype);
}

function targets(outputs: readonly TensorInfo[]): Record<string, OutputArray> {
  return Object.fromEntries(outputs.map((info) => [info.name, newArray(valueType(info), countOf(info.shape))]));
}

/** The inputs of a call in the order of the model. @throws KletError `MISSING_INPUT` */
function ordered(given: unknown, inputs: readonly TensorInfo[], of: string): unknown[] {
  if (Array.isArray(given)) {
    if (given.length === inputs.length) return Array.from(given);
    const names = inputs.map(({ name }) => `"${name}"`).join(', ');
    throw new KletError(
      'MISSING_INPUT',
      `the network has ${inputs.length} inputs (${names}); ${of}() got an array of ${given.length} tensors`,
    );
  }
  if (given instanceof Tensor || foreignTensor(given)) return ordered([given], inputs, of);
  checkObject(given, `the argument of ${of}()`);
  const named = Object.fromEntries(Object.entries(given).map(([name, tensor]) => [withoutZero(name), tensor]));
  checkNames(Object.keys(named), inputs);
  return inputs.map(({ name }) => named[name]);
}

/** The name of a node without the number of its first output. */
function withoutZero(name: string): string {
  return name.replace(/:0$/, '');
}

/** A network that was a graph in TensorFlow.js, made by `loadGraphModel`. */
export class GraphModel {
  readonly inputs: ModelTensorInfo[];
  readonly outputs: ModelTensorInfo[];
  readonly inputNodes: string[];
  readonly outputNodes: string[];

  /**
   * @param model the model of kinglet, for what TensorFlow.js does not have, such as `profile`
   * @param keys names of the outputs, if `predict` returns a record
   * @internal
   */
  constructor(readonly model: Model, private readonly keys?: readonly string[]) {
    const info = (tensor: TensorInfo): ModelTensorInfo => ({
      name: tensor.name,
      shape: tensor.shape,
      dtype: dtypeOf(tensor),
    });
    this.inputs = model.inputs.map(info);
    this.outputs = model.outputs.map(info);
    this.inputNodes = this.inputs.map(({ name }) => name);
    this.outputNodes = this.outputs.map(({ name }) => name);
  }

  /**
   * Runs the network once, synchronously.
   *
   * @param inputs a tensor, tensors in the order of the inputs, or a record by their names
   * @returns a tensor, or an array of tensors if there are several outputs, or a record if the file
   *   of TensorFlow.js names its outputs so
   * @throws KletError `MISSING_INPUT`, `SHAPE_MISMATCH`, `TYPE_MISMATCH`, `NOT_A_NUMBER` or
   *   `DISPOSED`
   */
  predict(
    inputs: Tensor | Tensor[] | NamedTensorMap,
    _config?: ModelPredictConfig,
  ): Tensor | Tensor[] | NamedTensorMap {
    const tensors = this.runNow(inputs, this.model.outputs, 'predict');
    if (this.keys?.length === tensors.length) {
      return Object.fromEntries(this.keys.map((key, i) => [key, tensors[i]!]));
    }
    return tensors.length === 1 ? tensors[0]! : tensors;
  }

  /** As `predict`. */
  predictAsync(
    inputs: Tensor | Tensor[] | NamedTensorMap,
    config?: ModelPredictConfig,
  ): Promise<Tensor | Tensor[] | NamedTensorMap> {
    return new Promise((resolve) => resolve(this.predict(inputs, config)));
  }

  /**
   * Runs the network for some of its outputs.
   *
   * @param outputs names of outputs, default all; values inside the network cannot be read
   * @throws KletError as `predict`, and `BAD_ARGUMENT` for other names
   */
  execute(inputs: Tensor | Tensor[] | NamedTensorMap, outputs?: string | string[]): Tensor | Tensor[] {
    const names: unknown[] = outputs === undefined ? this.outputNodes : [outputs].flat();
    const tensors = this.runNow(inputs, names.map((name) => this.outputNamed(name)), 'execute');
    return tensors.length === 1 ? tensors[0]! : tensors;
  }

  /** As `execute`. */
  executeAsync(inputs: Tensor | Tensor[] | NamedTensorMap, outputs?: string | string[]): Promise<Tensor | Tensor[]> {
    return new Promise((resolve) => resolve(this.execute(inputs, outputs)));
  }

  /** Releases the memory. A second call does nothing. */
  dispose(): void {
    this.model.dispose();
  }

  private outputNamed(name: unknown): TensorInfo {
    const found = isString(name) && this.model.outputs.find((output) => output.name === withoutZero(name));
    if (found) return found;
    const names = this.outputNodes.map((known) => `"${known}"`).join(', ');
    throw new KletError(
      'BAD_ARGUMENT',
      `the network has no output ${show(name)}; it has ${names}. For values inside it, convert with --outputs`,
    );
  }

  private runNow(given: unknown, outputs: readonly TensorInfo[], of: string): Tensor[] {
    const { inputs } = this.model;
    const arrays = ordered(given, inputs, of).map((tensor, i) => {
      const values = valuesOf(tensor, inputs[i]!);
      checkShape(inputs[i]!, values.shape);
      return forInput(inputs[i]!, values);
    });
    const wanted = targets(outputs);
    run(this.model, arrays, wanted);
    return outputs.map((info) => outputTensor(info, wanted[info.name]!, info.shape));
  }
}

/** What a layers model says of an input or output. The batch is open. */
export interface SymbolicTensor {
  name: string;
  shape: (number | null)[];
  dtype: DataType;
}

/** A network that was made of layers in TensorFlow.js, made by `loadLayersModel`. */
export class LayersModel {
  readonly name: string;
  readonly inputs: SymbolicTensor[];
  readonly outputs: SymbolicTensor[];
  readonly inputNames: string[];
  readonly outputNames: string[];

  /** @internal */
  constructor(readonly model: Model) {
    const symbolic = ({ name, shape, ...info }: TensorInfo): SymbolicTensor => ({
      name,
      shape: [null, ...shape.slice(1)],
      dtype: dtypeOf({ name, shape, ...info }),
    });
    this.name = model.meta.name;
    this.inputs = model.inputs.map(symbolic);
    this.outputs = model.outputs.map(symbolic);
    this.inputNames = this.inputs.map(({ name }) => name);
    this.outputNames = this.outputs.map(({ name }) => name);
  }

  /**
   * Runs the network, synchronously. A batch larger than that of the network runs in several parts.
   *
   * @param x a tensor, or tensors in the order of the inputs
   * @returns a tensor, or an array of tensors if there are several outputs
   * @throws KletError `MISSING_INPUT`, `SHAPE_MISMATCH`, `TYPE_MISMATCH`, `NOT_A_NUMBER` or
   *   `DISPOSED`
   */
  predict(x: Tensor | Tensor[], _args?: ModelPredictConfig): Tensor | Tensor[] {
    const { inputs, outputs } = this.model;
    const given = ordered(x, inputs, 'predict').map((tensor, i) => valuesOf(tensor, inputs[i]!));
    const runs = this.runsFor(given);
    const arrays = given.map((tensor, i) => forInput(inputs[i]!, tensor));
    const whole = outputs.map((info) => newArray(valueType(info), runs * countOf(info.shape)));
    for (let part = 0; part < runs; part++) {
      const slices = arrays.map((values) => partOf(values, part, runs));
      const wanted = outputs.map((info, i) => [info.name, partOf(whole[i]!, part, runs)]);
      run(this.model, slices, Object.fromEntries(wanted) as Record<string, OutputArray>);
    }
    const tensors = outputs.map((info, i) => {
      const [batch = 1, ...rest] = info.shape;
      return outputTensor(info, whole[i]!, info.shape.length === 0 ? [] : [batch * runs, ...rest]);
    });
    return tensors.length === 1 ? tensors[0]! : tensors;
  }

  /** As `predict`. */
  predictOnBatch(x: Tensor | Tensor[]): Tensor | Tensor[] {
    return this.predict(x);
  }

  /** Releases the memory. A second call does nothing. */
  dispose(): void {
    this.model.dispose();
  }

  /** Prints the inputs and outputs; `kinglet inspect` prints all operators. */
  summary(_lineLength?: number, _positions?: number[], printFn: (text: string) => void = console.log): void {
    checkFunction(printFn, 'the third argument of summary()');
    for (const { name, shape, dtype } of [...this.inputs, ...this.outputs]) {
      printFn(`${name} ${dtype} [${shape.map((size) => size ?? 'null').join(', ')}]`);
    }
  }

  /** How often the network has to run for a batch. @throws KletError `SHAPE_MISMATCH` */
  private runsFor(given: readonly Values[]): number {
    const { inputs, memory } = this.model;
    const [own] = inputs[0]!.shape;
    const [batch] = given[0]!.shape;
    const runs = own === undefined || batch === undefined ? 1 : batch / own;
    const isBatch = Number.isInteger(runs) && runs > 1;
    given.forEach(({ shape }, i) => {
      const [first, ...rest] = shape;
      checkShape(inputs[i]!, isBatch && first !== undefined ? [first / runs, ...rest] : shape);
    });
    if (isBatch && memory.state > 0) {
      throw new KletError(
        'SHAPE_MISMATCH',
        `the network has a state, so that it takes batches of ${own}, not ${batch}; predict one after the other`,
      );
    }
    return isBatch ? runs : 1;
  }
}

for (const name of ['fit', 'fitDataset', 'trainOnBatch', 'compile', 'evaluate', 'evaluateDataset', 'getLayer', 'save',
  'getWeights', 'setWeights'])
{
  Object.defineProperty(LayersModel.prototype, name, { value: unsupportedTf(`model.${name}`) });
}
for (const name of ['save', 'loadSync', 'load', 'getIntermediateTensors', 'disposeIntermediateTensors']) {
  Object.defineProperty(GraphModel.prototype, name, { value: unsupportedTf(`model.${name}`) });
}

function partOf<T extends OutputArray>(values: T, part: number, parts: number): T {
  const length = values.length / parts;
  return (parts === 1 ? values : values.subarray(part * length, (part + 1) * length)) as T;
}
