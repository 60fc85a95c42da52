import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import vm from 'node:vm';
import { build, type Plugin } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadSync } from '../../src/index';
import { root } from './packed';

// examples/boards: the programs run with fakes of what each board provides, on samples of the
// simulator. Needs dist/.

const boards = path.join(root, 'examples/boards');
const recipe = path.join(root, 'models/gestures/recipe');
const built = (file: string): string => path.join(boards, file);

const { LABELS, recordStream } = await import(path.join(recipe, 'data.mjs')) as { LABELS: string[];
  recordStream: (seed: number, labels: string[]) => { input: Int8Array } };
const gestures = LABELS.filter((label) => label !== 'none');
const lines = ['3 golden cases are right', ...gestures];

/** What an example printed, without the scores. */
const labelsOf = (printed: string[]): string[] => printed.map((line) => line.trim().replace(/ \d+ %$/, ''));

/** Another stream than that of simulated.js: all gestures in reverse. */
const { input: stream } = recordStream(3, [...gestures].reverse());

/** What an example has to print for that stream: what the recognizer says with the scalar core. */
function expected(name: string): string[] {
  const model = loadSync(readFileSync(path.join(root, `models/gestures/${name}.klet`)), { flavor: 'scalar' });
  const labels: string[] = [];
  const raw = { labels: LABELS, predict: (window: Int8Array) => model.predict(window, { output: 'raw' }) };
  const createRecognizer = requireFile(built('recognizer.js'), {}, {}) as (
    model: object,
    onGesture: (label: string) => void,
  ) => (x: number, y: number, z: number) => void;
  const push = createRecognizer(raw, (label) => labels.push(label));
  for (let at = 0; at < stream.length; at += 3) push(stream[at]!, stream[at + 1]!, stream[at + 2]!);
  expect(new Set(labels)).toEqual(new Set(gestures));
  return [lines[0]!, ...labels];
}

beforeAll(() => {
  execFileSync(process.execPath, [path.join(boards, 'prepare.mjs')]);
});

/** Runs a CommonJS module, whose `require` finds files beside it and these modules. */
function requireFile(file: string, modules: Record<string, unknown>, globals: object): unknown {
  const module = { exports: {} };
  const required = (name: string): unknown => {
    if (name in modules) return modules[name];
    return requireFile(path.resolve(path.dirname(file), `${name}.js`), modules, globals);
  };
  const context = vm.createContext({
    module,
    exports: module.exports,
    require: required,
    Int8Array,
    Uint8Array,
    ArrayBuffer,
    ...globals,
  });
  vm.runInContext(readFileSync(file, 'utf8'), context, { filename: file });
  return module.exports;
}

function printer(): { printed: string[]; console: { log: (line: string) => void } } {
  const printed: string[] = [];
  return { printed, console: { log: (line) => void printed.push(line) } };
}

describe('Kaluma', () => {
  test('reads an MPU-6050 over I2C', () => {
    const { printed, console } = printer();
    const registers = new Map<number, number>();
    let at = -3;
    let register = 0;
    class I2C {
      write(bytes: Uint8Array, address: number): void {
        expect(address).toBe(0x68);
        register = bytes[0]!;
        if (bytes.length === 2) registers.set(register, bytes[1]!);
      }
      read(count: number): Uint8Array {
        expect([register, count]).toEqual([0x3b, 6]);
        at += 3;
        // big-endian 16 bits; the low bytes do not matter
        return Uint8Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? stream[at + i / 2]! : 37 * i));
      }
    }
    let tick: () => void = () => {};
    const setInterval = (call: () => void, period: number): void => {
      expect(period).toBe(20);
      tick = call;
    };
    requireFile(built('kaluma/index.js'), { i2c: { I2C } }, { console, setInterval });
    while (at + 3 < stream.length) tick();
    expect(registers.get(0x1c)).toBe(8); // ±4 g
    expect(labelsOf(printed)).toEqual(expected('gestures'));
  });

  test('runs on simulated samples', () => {
    const { printed, console } = printer();
    const simulated = requireFile(built('kaluma/build/simulated.js'), {}, {});
    requireFile(built('kaluma/index.js'), { './mpu6050': simulated }, { console });
    expect(labelsOf(printed)).toEqual(lines);
  });
});

describe('Espruino', () => {
  /** Storage and its modules, in which Espruino looks for required names. */
  const modules = (): Record<string, unknown> => {
    const bytes = Uint8Array.from(readFileSync(built('espruino/build/gestures.bin')));
    const readArrayBuffer = (name: string): unknown => (name === 'gestures.bin' ? bytes.buffer : undefined);
    const names = ['gestures', 'recognizer', 'simulated'];
    return {
      Storage: { readArrayBuffer },
      ...Object.fromEntries(names.map((name) => [name, requireFile(built(`espruino/build/${name}.js`), {}, {})])),
    };
  };

  test('reads the accelerometer of a Bangle.js', () => {
    const { printed, console } = printer();
    let hear: (sample: object) => void = () => {};
    const Bangle = {
      setOptions: () => {},
      accelWr: () => {},
      setPollInterval: (period: number) => expect(period).toBe(20),
      on: (event: string, listener: typeof hear) => {
        expect(event).toBe('accel');
        hear = listener;
      },
    };
    requireFile(built('espruino/main.js'), modules(), { console, Bangle });
    for (let at = 0; at < stream.length; at += 3) {
      const [x, y, z] = [...stream.subarray(at, at + 3)].map((value) => value / 32);
      hear({ x, y, z });
    }
    expect(labelsOf(printed)).toEqual(expected('gestures-small'));
  });

  test('runs on simulated samples without a sensor', () => {
    const { printed, console } = printer();
    requireFile(built('espruino/main.js'), modules(), { console });
    expect(labelsOf(printed)).toEqual(lines);
  });
});

describe('Moddable', () => {
  interface Part {
    modules: Record<string, string | string[]>;
  }
  const folder = built('moddable');
  const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as Part & {
    data: { '*': string };
    platforms: Record<string, Part>;
  };

  /** The file of each module, by the name that imports have. */
  function modulesOf(platform: string): Map<string, string> {
    const entries = [manifest, manifest.platforms[platform]!].flatMap(({ modules }) => Object.entries(modules));
    return new Map(entries.flatMap(([name, files]) =>
      [files].flat().map((
        file,
      ): [string, string] => [name === '*' ? path.basename(file) : name, `${path.join(folder, file)}.js`])
    ));
  }

  /** Links the modules of a platform as mcconfig does, and runs main. */
  async function run(platform: string, fakes: Record<string, string>, globals: object = {}): Promise<string[]> {
    const modules = modulesOf(platform);
    const linker: Plugin = {
      name: 'mcconfig',
      setup(bundler) {
        bundler.onResolve({ filter: /.*/ }, ({ path: name, kind }) => {
          if (kind === 'entry-point') return { path: name };
          const file = modules.get(name);
          return file ? { path: file } : { path: name, namespace: 'fake' };
        });
        bundler.onLoad({ filter: /.*/, namespace: 'fake' }, ({ path: name }) => ({ contents: fakes[name]! }));
      },
    };
    const { outputFiles } = await build({
      logLevel: 'error', // not that `module` is undefined in modules
      entryPoints: [modules.get('main')!],
      bundle: true,
      write: false,
      format: 'iife',
      plugins: [linker],
    });
    const printed: string[] = [];
    const bytes = Uint8Array.from(readFileSync(`${path.join(folder, manifest.data['*'])}.bin`)).buffer;
    const readResource = (name: string): unknown => (name === 'gestures.bin' ? bytes : undefined);
    const trace = (line: string): void => void printed.push(line);
    vm.runInContext(
      outputFiles[0]!.text,
      vm.createContext({ trace, readResource, Int8Array, Uint8Array, ArrayBuffer, ...globals }),
    );
    return labelsOf(printed);
  }
  const resource = 'export default function Resource(name) { return readResource(name); }';

  test('runs on simulated samples in the simulator', async () => {
    expect(await run('...', { Resource: resource })).toEqual(lines);
  });

  test('reads a LIS3DH with the driver of Moddable', async () => {
    let at = -3;
    const sample = (): object => {
      at += 3;
      const [x, y, z] = [...stream.subarray(at, at + 3)].map((value) => value / 32 * 9.80665);
      return { x, y, z };
    };
    const configured: object[] = [];
    const device = { I2C: { default: { bus: 1 } }, io: { SMBus: class {} } };
    const printed = await run('esp32', {
      Resource: resource,
      timer: `export default { repeat(call, period) {
        if (period === 20) for (let i = 0; i < ${stream.length / 3}; i++) call();
      } };`,
      'embedded:sensor/Accelerometer/LIS3DH':
        'export default class { configure(options) { configured.push(options); } sample() { return sample(); } }',
    }, { sample, configured, device });
    expect(printed).toEqual(expected('gestures'));
    expect({ ...configured[0] }).toEqual({ rate: 4, range: 1, enable: 7 });
  });
});

/** Small engines that may be installed; both take one script. */
const engines = ['duk', 'njs'].map((name) => `/usr/bin/${name}`).filter(existsSync);

test.skipIf(engines.length === 0)('the scripts run in Duktape and njs', () => {
  const parts = ['gestures', 'recognizer', 'simulated'].map((name) =>
    readFileSync(built(`kaluma/build/${name}.js`), 'utf8')
  );
  const script = `var say = typeof print === 'function' ? print : console.log;\n${parts.join('')}
    say(gestures.selfTest() + ' golden cases are right');
    startSensor(createRecognizer(gestures, function(label) { say(label); }));`;
  const folder = mkdtempSync(path.join(tmpdir(), 'boards-'));
  try {
    writeFileSync(path.join(folder, 'script.js'), script);
    for (const engine of engines) {
      const printed = execFileSync(engine, [path.join(folder, 'script.js')], { encoding: 'utf8' });
      expect(labelsOf(printed.trim().split('\n')), engine).toEqual(lines);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
