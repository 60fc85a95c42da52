import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Graph } from '../../src/graph/graph';
import { Random } from '../helpers/random';

// models/training, the library with which the recipes train, and the types of its exports.

export const folder = path.resolve(import.meta.dirname, '../../models/training');

interface Variable {
  dataSync: () => Float32Array;
}
export interface Layout {
  outputs: number;
  groups: number;
  largest: number;
}
export interface ActivationQuantization {
  scale: number;
  zeroPoint: number;
}
interface Compared {
  loss: number;
  gradient: Float32Array;
}
interface Training {
  masksOf: (
    matrices: { weights: Float32Array; outputs: number }[],
    pattern: string,
    sparsity: number,
    scope?: string,
  ) => Float32Array[];
  sparsityAt: (progress: number, final: number, from: number, until: number) => number;
  Averages: new(variables: Variable[], memory?: number) => { follow(): void; of(variable: Variable): Float32Array };
  largestWeight: (bits: number) => number;
  initialScales: (weights: Float32Array, layout: Layout) => Float32Array;
  roundWeights: (weights: Float32Array, scales: Float32Array, layout: Layout) => Float32Array;
  weightGradients: (
    weights: Float32Array,
    scales: Float32Array,
    layout: Layout,
    dy: Float32Array,
  ) => { weights: Float32Array; logScales: Float32Array };
  initialActivation: (values: Float32Array) => ActivationQuantization;
  roundActivations: (values: Float32Array, quantization: ActivationQuantization) => Float32Array;
  activationGradients: (
    values: Float32Array,
    quantization: ActivationQuantization,
    dy: Float32Array,
  ) => { values: Float32Array; logScale: number };
  hint: (student: Float32Array, teacher: Float32Array) => Compared;
  attention: (
    student: Float32Array,
    teacher: Float32Array,
    shape: readonly number[],
    teacherChannels: number,
  ) => Compared;
}

/** A tensor of a network that a recipe stores. */
export interface Stored {
  shape: number[];
  data: Float32Array;
}
export interface Layer {
  name: string;
  op: string;
  attributes: Record<string, unknown>;
  shape?: number[];
  quantization?: ActivationQuantization;
  weights?: Stored;
  bias?: Stored;
  recurrentWeights?: Stored;
  recurrentBias?: Stored;
  weightScales?: Stored;
  recurrentWeightScales?: Stored;
}
export interface Network {
  name: string;
  input: { name: string; shape: number[]; quantization?: ActivationQuantization };
  output: { name: string; shape: number[] };
  layers: Layer[];
}
interface FloatNetwork {
  operators: Record<string, (x: Stored, layer: Layer) => Stored>;
  saveFloatNetwork: (path: string, network: Network) => void;
  loadFloatNetwork: (path: string) => Network;
}
interface Parameters {
  parametersOf: <T extends object>(defaults: T, args: string[]) => T;
  bitsByLayer: (text: string, layers: string[]) => (name: string) => number;
}

const imported = (file: string): Promise<unknown> => import(path.join(folder, file));

export const training = await imported('index.mjs') as Training;
export const floatNetwork = await imported('floatNetwork.mjs') as FloatNetwork;
export const { toGraph } = await imported('graph.mjs') as { toGraph: (network: Network) => Graph };
export const parameters = await imported('parameters.mjs') as Parameters;

/** Seeded values in −1..1, f32 [inputs][outputs]. */
export function noise(inputs: number, outputs: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: inputs * outputs }, () => random.between(-1, 1));
}

export const hasTensorflow = existsSync(path.join(folder, '../node_modules/@tensorflow'));

/** Runs a module in the folder of the library. Returns the last line that it prints. */
export async function lastLine(program: string): Promise<string> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: folder });
  return stdout.trim().split('\n').at(-1) ?? '';
}
