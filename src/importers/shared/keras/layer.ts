import { KletError } from '../../../errors';
import type { Tensor } from '../../../graph/graph';
import type { Constant } from '../constants';
import type { NodeEmitter } from '../nodeEmitter';
import { UnsupportedForm } from '../unsupported';
import { Config, isObject, type JsonObject } from './config';
import { layerSpec, type LayerSpec } from './model';
import { weightRoles } from './roles';
import type { Step, WeightPlace, WeightSource } from './weights';

/** What a mapping asks of the network around its layer. */
export interface Surroundings {
  /** 1 for Keras 1, and so on. */
  version: number;
  weights: WeightSource;
  /** Runs a layer that is part of another one. */
  run(spec: LayerSpec, place: WeightPlace, args: readonly unknown[], kwargs: JsonObject): Tensor[];
  /** float32 [B][T]: 1 for the time steps of a tensor that count; undefined if all do. */
  maskOf(tensor: Tensor): Tensor | undefined;
  /** Adds a value that persists from one run to the next, and begins with zeros. */
  addState(value: Tensor, next: Tensor): void;
}

/** A call of a layer: its configuration, arguments and weights. */
export class KerasLayer {
  readonly kind: string;
  readonly name: string;
  readonly config: Config;
  private found?: Map<string, Constant | undefined>;

  /**
   * @param place - The way to its weights.
   * @param args - The positional arguments: tensors, lists of them, and other values.
   * @param kwargs - The arguments by name.
   */
  constructor(
    readonly spec: LayerSpec,
    readonly place: WeightPlace,
    readonly args: readonly unknown[],
    readonly kwargs: Readonly<JsonObject>,
    readonly emit: NodeEmitter,
    readonly network: Surroundings,
  ) {
    this.kind = spec.className;
    this.name = spec.name;
    this.config = new Config(spec.config, `${this.kind} "${this.name}"`);
  }

  /** All tensors among the positional arguments. */
  get inputs(): Tensor[] {
    return tensorsIn(this.args);
  }

  /** The only tensor that the layer reads, or the first. */
  get input(): Tensor {
    const [first] = this.inputs.length > 0 ? this.inputs : tensorsIn(Object.values(this.kwargs));
    if (!first) throw new KletError('CORRUPT', `${this.kind} "${this.name}" has no input`);
    return first;
  }

  /** The input as float32. */
  get floatInput(): Tensor {
    return this.emit.cast(this.input, 'float32');
  }

  /** The input with `rank` dimensions, as float32. */
  inputOf(rank: number): Tensor {
    const x = this.floatInput;
    if (x.shape.length !== rank) {
      throw new KletError(
        'CORRUPT',
        `${this.kind} "${this.name}" has an input of the shape [${x.shape.join(', ')}], not of ${rank} dimensions`,
      );
    }
    return x;
  }

  get isChannelsFirst(): boolean {
    // Keras 1 has dim_ordering
    return this.config.string('data_format', '') === 'channels_first' || this.config.raw('dim_ordering') === 'th';
  }

  /** An argument by its position or one of its names, or the value of the layer by that name. */
  argument(index: number, ...names: string[]): unknown {
    const named = names.map((name) => this.kwargs[name] ?? this.config.raw(name)).find((value) => value !== undefined);
    return this.args[index] ?? named ?? undefined;
  }

  /** An axis counted from 0; negative ones count from the end. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (!(Number.isInteger(axis) && positive >= 0 && positive < rank)) {
      throw new KletError('CORRUPT', `${this.kind} "${this.name}" has the axis ${axis} of ${rank} dimensions`);
    }
    return positive;
  }

  /** A weight, which must have this shape. */
  weight(role: string, shape: readonly number[]): Constant {
    const weight = this.optionalWeight(role, shape);
    if (!weight) {
      throw new KletError('CORRUPT', `the file lacks the weights "${role}" of ${this.kind} "${this.name}"`);
    }
    return weight;
  }

  /** A weight that some configurations lack. */
  optionalWeight(role: string, shape: readonly number[]): Constant | undefined {
    const weight = this.ownWeights().get(role);
    if (!weight) return undefined;
    const fits = weight.shape.length === shape.length && weight.shape.every((d, i) => d === shape[i]);
    if (fits) return weight;
    const isSame = weight.data.length === shape.reduce((a, b) => a * b, 1) && weight.data.length === shape.at(-1);
    if (isSame) return { ...weight, shape: [...shape] };
    throw new KletError(
      'CORRUPT',
      `the weights "${role}" of ${this.kind} "${this.name}" have the shape [${weight.shape.join(', ')}], not [${
        shape.join(', ')
      }]`,
    );
  }

  /** A weight of any shape. */
  anyWeight(role: string): Constant {
    return this.weight(role, this.ownWeights().get(role)?.shape ?? []);
  }

  /** The bias [count], if the configuration has one. */
  bias(count: number, key = 'use_bias'): Constant | null {
    return this.config.boolean(key, true) ? this.weight('bias', [count]) : null;
  }

  /** The same layer with weights of a layer in it, such as the cell of a recurrent layer. */
  part(
    className: string,
    step: Partial<Step> & { attributes: readonly string[] },
    config = this.spec.config,
  ): KerasLayer {
    const place = [...this.place, { className, name: '', ordinal: 0, ...step }];
    const spec = { ...this.spec, className, config };
    return new KerasLayer(spec, place, this.args, this.kwargs, this.emit, this.network);
  }

  /** The same layer with other arguments. */
  withArguments(args: readonly unknown[]): KerasLayer {
    return new KerasLayer(this.spec, this.place, args, {}, this.emit, this.network);
  }

  /** Runs a layer that this one contains. */
  run(json: unknown, step: Partial<Step> & { attributes: readonly string[] }, args: readonly unknown[]): Tensor[] {
    const spec = layerSpec(json);
    const place = [...this.place, { className: spec.className, name: '', ordinal: 0, ...step }];
    return this.network.run(spec, place, args, {});
  }

  /** Refuses the layer unless `condition` holds; `form` completes "LAYER with …". */
  check(condition: boolean, form: string): void {
    if (!condition) throw new UnsupportedForm(form);
  }

  private ownWeights(): Map<string, Constant | undefined> {
    if (!this.found) {
      const roles = weightRoles(this.kind, this.config);
      const weights = this.network.weights.find(this.place, roles);
      this.found = new Map(roles.map(([role], i) => [role!, weights[i]]));
    }
    return this.found;
  }
}

/** Whether an argument is a tensor. */
export function isTensor(value: unknown): value is Tensor {
  return isObject(value) && Array.isArray(value.shape) && typeof value.dtype === 'string' &&
    typeof value.name === 'string';
}

/** All tensors in an argument, which may be a list or an object. */
export function tensorsIn(value: unknown): Tensor[] {
  if (isTensor(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  return isObject(value) ? Object.values(value).flatMap(tensorsIn) : [];
}

/** Emits the nodes of a layer and returns its outputs. */
export type Mapping = (layer: KerasLayer) => Tensor | Tensor[];
export type Mappings = Record<string, Mapping>;
