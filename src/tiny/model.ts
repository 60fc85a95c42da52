import { DTYPE_F32, DTYPE_I16, RECORD_DTYPE, RECORD_SIZE } from '../../assembly/layout';
import { f32 } from '../js/arithmetic';
import type { Memory, Views } from '../js/memory';
import { quantizeAll } from '../js/quantize';
import { each, type Operator, type Operators } from '../js/run';
import { fail, type Parts, type Port } from './file';

/** Values as the model has them (`Int8Array` for int8 …), or real numbers, which are quantized. */
export type Values = Int8Array | Uint8Array | Int32Array | Float32Array | number[];

export interface TinyModel {
  name: string;
  inputs: Port[];
  outputs: Port[];
  labels: string[];
  /**
   * Runs the network once. A network with state continues from the call before until `reset`.
   *
   * @param input the values of the input, or an array of the values of each input
   * @returns the output as the model has it, or an array of the outputs if there are several. It is
   *   a view that the next call overwrites; a real number is scale × (value − zeroPoint)
   */
  predict(input: Values | Values[]): Output | Output[];
  /** Returns to the initial state. */
  reset(): void;
  /**
   * Runs the golden cases of the file, and throws if any output differs.
   *
   * @returns the number of cases
   */
  selfTest(): number;
}

type Output = Int8Array | Uint8Array | Int32Array;

const SLACK = 16;

function viewsOf(buffer: ArrayBuffer, at: number, bytes: number): Views {
  return {
    i8: new Int8Array(buffer, at, bytes),
    u8: new Uint8Array(buffer, at, bytes),
    i16: new Int16Array(buffer, at, bytes >> 1),
    u16: new Uint16Array(buffer, at, bytes >> 1),
    i32: new Int32Array(buffer, at, bytes >> 2),
    f32: new Float32Array(buffer, at, bytes >> 2),
    f64: new Float64Array(buffer, at, bytes >> 3),
  };
}

function memoryOf({ plan, weights, arenaBytes }: Parts): Memory {
  const arena = (arenaBytes + SLACK + 7) & ~7;
  return {
    plan: new Int32Array(plan.buffer, plan.byteOffset, plan.length >> 2),
    reals: new Float32Array(plan.buffer, plan.byteOffset, plan.length >> 2),
    arena: viewsOf(new ArrayBuffer(arena), 0, arena),
    weights: viewsOf(weights.buffer as ArrayBuffer, weights.byteOffset, weights.length),
    kept: {},
  };
}

/** Fails if the script lacks what a record needs. */
function check(run: Record<number, Operator>, m: Memory): void {
  let index = 0;
  for (let r = 0; r < m.plan.length * 4; r += m.plan[(r + RECORD_SIZE) >> 2]!) {
    const head = m.plan[r >> 2]!;
    const dtype = (head >> (8 * RECORD_DTYPE)) & 255;
    const isRead = m.plan[(r + RECORD_SIZE) >> 2]! >= 8;
    if (!run[head & 255] || dtype === DTYPE_F32 || dtype === DTYPE_I16 || !isRead) {
      fail('record ' + index + ' (opcode ' + (head & 255) + ') is none of the int8 operators here; use kinglet/js');
    }
    index++;
  }
}

function lengthOf({ shape }: Port): number {
  let length = 1;
  for (let i = 0; i < shape.length; i++) length *= shape[i]!;
  return length;
}

/** Where a port is in the arena. */
function viewOf(port: Port, m: Memory): Output {
  const { buffer } = m.arena.i8;
  const length = lengthOf(port);
  const { dtype, offset } = port;
  if (dtype === 'int8') return new Int8Array(buffer, offset, length);
  if (dtype === 'uint8' || dtype === 'bool') return new Uint8Array(buffer, offset, length);
  if (dtype === 'int32' || dtype === 'int64') return new Int32Array(buffer, offset, length);
  return fail('"' + port.name + '" is ' + dtype + '; kinglet/tiny runs int8 and uint8 networks, kinglet/js all');
}

/** Writes real numbers to a quantized input. */
function writeReal(values: ArrayLike<number>, { dtype, scale, zeroPoint }: Port, to: Output): void {
  const unsigned = dtype === 'uint8';
  const reals = new Float32Array(to.length);
  for (let i = 0; i < to.length; i++) {
    reals[i] = values[i]!;
    if (reals[i] !== reals[i]) fail('value ' + i + ' of an input is not a number');
  }
  const bytes = new Int8Array(to.buffer, to.byteOffset, to.length);
  quantizeAll(reals, 0, bytes, 0, to.length, f32(1 / scale!), unsigned ? zeroPoint! - 128 : zeroPoint!);
  if (unsigned) { for (let i = 0; i < to.length; i++) bytes[i]! ^= 128; }
}

function write(values: Values, port: Port, to: Output): void {
  if (values.length !== to.length) {
    fail('"' + port.name + '" takes ' + to.length + ' values, not ' + values.length);
  }
  const raw = values instanceof Int8Array || values instanceof Uint8Array || values instanceof Int32Array;
  if (!raw && port.scale !== undefined) writeReal(values, port, to);
  else for (let i = 0; i < to.length; i++) to[i] = values[i]!;
}

/**
 * Makes a model of the parts of a file. Plan and weights are used in place.
 *
 * @throws Error if a record needs more than the given operators
 */
export function makeModel(operators: Operators, parts: Parts): TinyModel {
  const m = memoryOf(parts);
  const { meta, golden } = parts;
  const { state } = meta;
  const end = m.plan.length * 4;
  check(operators.run, m);
  each(operators.prepare, m, 0, end);
  const inputs = meta.inputs.map((port) => viewOf(port, m));
  const outputs = meta.outputs.map((port) => viewOf(port, m));
  const a = m.arena.u8;

  function reset(): void {
    if (state) { for (let i = 0; i < state.bytes; i++) a[i] = m.weights.u8[state.initial + i]!; }
  }

  function run(): void {
    if (state && !state.carries) reset();
    each(operators.run, m, 0, end);
  }

  function bytesOf(view: Output): Uint8Array {
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }

  reset();
  return {
    name: meta.name,
    inputs: meta.inputs,
    outputs: meta.outputs,
    labels: meta.labels || [],
    predict(input) {
      const list = inputs.length === 1 ? [input as Values] : input as Values[];
      if (!list || list.length !== inputs.length) fail('predict takes ' + inputs.length + ' arrays');
      for (let i = 0; i < inputs.length; i++) write(list[i]!, meta.inputs[i]!, inputs[i]!);
      run();
      return outputs.length === 1 ? outputs[0]! : outputs;
    },
    reset,
    selfTest() {
      let cases = 0;
      for (let at = 0; at < golden.length; cases++) {
        reset();
        for (let i = 0; i < inputs.length; i++) {
          const bytes = bytesOf(inputs[i]!);
          for (let j = 0; j < bytes.length; j++) bytes[j] = golden[at++]!;
        }
        run();
        for (let i = 0; i < outputs.length; i++) {
          const bytes = bytesOf(outputs[i]!);
          for (let j = 0; j < bytes.length; j++) {
            if (bytes[j] !== golden[at++]) fail('golden case ' + cases + ': output ' + i + ' differs at byte ' + j);
          }
        }
      }
      reset();
      return cases;
    },
  };
}
