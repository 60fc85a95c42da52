import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CProgram } from '../../src/c/index';
import { readKlet, type KletParts } from '../../src/format/klet';
import { ioBytes, type TensorInfo } from '../../src/format/meta';
import type { Model, RawArray } from '../../src/index';
import type { Random } from './random';

// Compiles networks that were printed as C, and runs them.

/** Whether a command exists. */
export function hasCommand(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
}

export const hasGcc = hasCommand('gcc');

/** Whether gcc compiles and links a program with these flags. */
export function canCompile(compiler: string, flags: readonly string[]): boolean {
  const program = 'int main(void) { return 0; }';
  return spawnSync(compiler, [...flags, '-x', 'c', '-', '-o', '/dev/null'], { input: program }).status === 0;
}

/** The flags that printed programs must compile with, without a warning. */
const strict = ['-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wdouble-promotion', '-Wstrict-prototypes', '-Wundef'];

type Meta = Pick<KletParts['meta'], 'inputs' | 'outputs' | 'state'>;

/** A network as C, with the description of its inputs and outputs. */
export interface Printed {
  program: CProgram;
  meta: Meta;
}

const arrays = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: Int32Array,
};
const types = {
  float32: 'float',
  int8: 'int8_t',
  uint8: 'uint8_t',
  bool: 'uint8_t',
  int16: 'int16_t',
  int32: 'int32_t',
  int64: 'int32_t',
};

function bytesOf({ dtype, shape }: TensorInfo): number {
  return shape.reduce((a, b) => a * b, 1) * ioBytes[dtype][1];
}

/** A function that reads inputs from standard input and writes outputs to standard output. */
function caseText({ program: { name }, meta: { inputs, outputs, state } }: Printed): string {
  const buffer = (t: TensorInfo, name: string): string =>
    `    static ${types[t.dtype]} ${name}[${bytesOf(t) / ioBytes[t.dtype][1]}];\n`;
  const args = [...inputs.map((_, i) => `input${i}`), ...outputs.map((_, i) => `output${i}`)];
  return `static int run_${name}(int count, int resets)
{
${inputs.map((t, i) => buffer(t, `input${i}`)).join('')}${outputs.map((t, i) => buffer(t, `output${i}`)).join('')}
    for (int i = 0; i < count; i++) {
        if (resets) {
            ${state?.carries ? `kinglet_${name}_reset();` : ''}
        }
${
    inputs.map((_, i) => `input${i}`).map((name) =>
      `        if (fread(${name}, 1, sizeof ${name}, stdin) != sizeof ${name}) {\n            return 1;\n        }\n`
    ).join('')
  }
        if (kinglet_${name}_predict(${args.join(', ')}) != 0) {
            return 2;
        }
${outputs.map((_, i) => `        fwrite(output${i}, 1, sizeof output${i}, stdout);\n`).join('')}
    }
    return 0;
}
`;
}

/** `main NUMBER COUNT RESETS` runs predictions of a network; a COUNT of -1 is its self test. */
function mainText(all: readonly Printed[], withSelfTest: boolean): string {
  return `#include <stdio.h>
#include <stdlib.h>
${all.map(({ program }) => `#include "${program.name}.h"\n`).join('')}
${all.map(caseText).join('\n')}
int main(int argc, char **argv)
{
    int which = argc > 1 ? atoi(argv[1]) : 0;
    int count = argc > 2 ? atoi(argv[2]) : 0;
    int resets = argc > 3 ? atoi(argv[3]) : 0;
${
    all.map(({ program: { name } }, i) =>
      (withSelfTest
        ? `    if (which == ${i} && count < 0) {\n        return kinglet_${name}_self_test();\n    }\n`
        : '') + `    if (which == ${i}) {\n        return run_${name}(count, resets);\n    }\n`
    ).join('')
  }
    return 3;
}
`;
}

export interface RunOptions {
  /** Number of the network among the compiled ones (default 0). */
  which?: number;
  /** Whether each prediction starts from the initial state (default true). */
  reset?: boolean;
}

/** Networks that gcc compiled to one program. */
export class CompiledC implements Disposable {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'kinglet-c-'));

  /** Throws with the messages of the compiler. */
  constructor(
    private readonly networks: readonly Printed[],
    flags: readonly string[],
    compiler = 'gcc',
    withSelfTest = false,
  ) {
    const sources = networks.flatMap(({ program }) => Object.entries(program.files));
    for (const [name, text] of sources) writeFileSync(path.join(this.folder, name), text);
    writeFileSync(path.join(this.folder, 'main.c'), mainText(networks, withSelfTest));
    const command = ['-std=c99', ...strict, ...flags, ...(withSelfTest ? ['-DKINGLET_SELF_TEST'] : []),
      ...sources.map(([name]) => name).filter((name) => name.endsWith('.c')), 'main.c', '-o', 'main', '-lm'];
    const { status, stderr } = spawnSync(compiler, command, { cwd: this.folder, encoding: 'utf8' });
    if (status !== 0) {
      this[Symbol.dispose]();
      throw new Error(`${compiler} ${flags.join(' ')}:\n${stderr.slice(0, 4000)}`);
    }
  }

  private execute(args: string[], input: Uint8Array): Uint8Array {
    const result = spawnSync(path.join(this.folder, 'main'), args, { input, maxBuffer: 2 ** 30 });
    if (result.status !== 0) {
      throw new Error(`the program ended with ${result.status ?? result.signal}: ${result.stderr.toString()}`);
    }
    return result.stdout;
  }

  /** The bytes of the outputs of predictions with these inputs. */
  run(inputs: readonly (readonly Uint8Array[])[], { which = 0, reset = true }: RunOptions = {}): Uint8Array[][] {
    const bytes = this.execute([String(which), String(inputs.length), reset ? '1' : '0'], Buffer.concat(inputs.flat()));
    let at = 0;
    return inputs.map(() =>
      this.networks[which]!.meta.outputs.map((port) => {
        at += bytesOf(port);
        return new Uint8Array(bytes.subarray(at - bytesOf(port), at));
      })
    );
  }

  /** Number of the first stored case that the program does not reproduce; 0 if there is none. */
  selfTest(which = 0): number | null {
    return spawnSync(path.join(this.folder, 'main'), [String(which), '-1']).status;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Random inputs of a network, as arrays for `predict` and as bytes. */
export function randomInputs(
  klet: Uint8Array,
  random: Random,
): { record: Record<string, RawArray>; bytes: Uint8Array[] } {
  const entries = readKlet(klet).meta.inputs.map(({ name, dtype, shape }) =>
    [name, dtype, random.fill(new arrays[dtype](shape.reduce((a, b) => a * b, 1)))] as const
  );
  return {
    record: Object
      .fromEntries(entries.map((
        [name, dtype, array],
      ) => [name, dtype === 'int64' ? BigInt64Array.from(array, BigInt) : array])),
    bytes: entries.map(([, , array]) => bytesOfArray(array)),
  };
}

/** The outputs of a prediction as they are in the arena. */
export function predictBytes(model: Model, record: Record<string, RawArray>): Uint8Array[] {
  const raw = model.predict(record, { output: 'raw' });
  return model.outputs.map(({ name }) => {
    const values = model.outputs.length === 1 ? raw : raw[name]!;
    return bytesOfArray(values instanceof BigInt64Array ? Int32Array.from(values, Number) : values);
  });
}

/** A copy of the bytes of an array. */
export function bytesOfArray(array: RawArray): Uint8Array {
  return new Uint8Array(array.buffer.slice(array.byteOffset, array.byteOffset + array.byteLength));
}
