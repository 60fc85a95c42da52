import { correct, features, instances, plain, wrongValues } from '../../robustness/calls';
import { damage } from '../../robustness/damage';
import { publicFunctions, publicMethods } from '../../robustness/publicFunctions';
import type { Random } from '../../helpers/random';
import { judgeError, Meter } from '../oracles';
import type { Target } from '../target';

/** One call, as JSON, so that a failure can be read and made smaller. */
interface Call {
  call: string;
  /** Values in place of parts of the correct arguments: which part, and the name of the value. */
  changes: { at: number; by: string; removes?: boolean }[];
  /** All arguments, by name, instead. */
  values?: string[];
}

/** What hostile values throw, and may get back. */
class Own extends Error {}

const thrower = (): never => {
  throw new Own('thrown by an argument');
};

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** An array that grows with every look at its length. */
function growing(): unknown {
  let length = 0;
  return new Proxy([], { get: (_, key) => (key === 'length' ? (length = length + 64) : 1) });
}

function cyclic(): unknown {
  const object: Record<string, unknown> = {};
  object.self = object;
  return object;
}

function shrunk(): Float32Array {
  const buffer = new (ArrayBuffer as new(bytes: number, options: object) => ArrayBuffer & { resize?(n: number): void })(
    4 * features,
    { maxByteLength: 8 * features },
  );
  const array = new Float32Array(buffer);
  buffer.resize?.(4);
  return array;
}

class Lying extends Float32Array {
  override get length(): number {
    return 2 ** 31;
  }
}

const hostileValues: Readonly<Record<string, () => unknown>> = {
  ...wrongValues,
  'throwing getters': () =>
    Object.defineProperties({}, {
      length: { get: thrower, enumerable: true },
      name: { get: thrower, enumerable: true },
    }),
  'throwing proxy': () => new Proxy({}, { get: thrower, has: thrower, ownKeys: thrower, getPrototypeOf: thrower }),
  'revoked proxy': () => revoked({}),
  'revoked array': () => revoked([]),
  'revoked function': () => revoked(() => undefined),
  'growing array': growing,
  'huge length': () => ({ length: 2 ** 32, 0: 1 }),
  'negative length': () => ({ length: -1 }),
  'lying array': () => new Lying(features),
  'shrunk buffer': shrunk,
  'shared floats': () => new Float32Array(new SharedArrayBuffer(4 * features)),
  'shared bytes': () => new Uint8Array(new SharedArrayBuffer(64)),
  'Buffer': () => Buffer.alloc(4 * features),
  'cyclic object': cyclic,
  'throwing toString': () => ({ toString: thrower, valueOf: thrower, [Symbol.toPrimitive]: thrower }),
  'throwing iterator': () => ({ [Symbol.iterator]: thrower }),
  'throwing then': () => ({ then: (_: unknown, reject: (reason: unknown) => void) => reject(new Own('rejected')) }),
  'throwing callback': () => thrower,
  'frozen array': () => Object.freeze([1, 2]),
  'array of holes': () => new Array<unknown>(3),
  'a class': () => Own,
  'invalid Date': () => new Date(NaN),
  'long text': () => 'x'.repeat(100_000),
  'control text': () => '\u001b[2J\u202e\0"',
  '__proto__': () => JSON.parse('{"__proto__": {"x": 1}}') as unknown,
  '2 ** 53': () => 2 ** 53,
  '-0': () => -0,
  '-Infinity': () => -Infinity,
  '5e-324': () => 5e-324,
  'NaNs': () => new Float32Array(features).fill(NaN),
};

interface Callable {
  call: (values: unknown[]) => unknown;
  given: () => unknown[];
}

/** Functions that need a page, that wait for nothing, or that end the object that others use. */
const left = ['listen'];

function functions(): Map<string, () => Callable> {
  const all = new Map<string, () => Callable>();
  for (const { title, name, call } of publicFunctions) {
    const given = correct[name];
    if (given && !left.includes(name)) all.set(title, () => ({ call: (values) => call(...values), given }));
  }
  for (const { name, make, calls } of instances) {
    for (const method of publicMethods(name)) {
      all.set(`${name}.${method}()`, () => {
        const instance = make() as Record<string, (...values: unknown[]) => unknown>;
        const given = calls[method];
        return { call: (values) => instance[method]!(...values), given: () => given?.(instance as never) ?? [] };
      });
    }
  }
  return all;
}

const known = functions();
const titles = [...known.keys()];
const names = Object.keys(hostileValues);
const encode = (call: Call): Uint8Array => new TextEncoder().encode(JSON.stringify(call));
const decode = (bytes: Uint8Array): Call => JSON.parse(new TextDecoder().decode(bytes)) as Call;

function make(random: Random): Uint8Array {
  const call = random.pick(titles);
  if (random.next() < 0.2) {
    return encode({ call, changes: [], values: Array.from({ length: random.int(0, 5) }, () => random.pick(names)) });
  }
  const changes = Array.from(
    { length: random.pick([1, 1, 1, 2, 3]) },
    () => ({ at: random.int(0, 5000), by: random.pick(names), ...(random.next() < 0.1 && { removes: true }) }),
  );
  return encode({ call, changes });
}

/** What an argument itself throws comes through. Every look at a revoked proxy throws. */
const isOwn = (error: unknown): boolean =>
  error instanceof Own || (error instanceof TypeError && error.message.endsWith('proxy that has been revoked'));

async function run(bytes: Uint8Array): Promise<string> {
  const { call: title, changes, values } = decode(bytes);
  const callable = known.get(title);
  if (!callable) throw new Error(`no function ${title}`);
  const { call, given } = callable();
  const arguments_ = values ? values.map((name) => hostileValues[name]!()) : given();
  for (const { at, by, removes } of changes) {
    const value = hostileValues[by]!();
    try {
      damage(arguments_, at, value, removes ?? false);
    } catch {
      // the part is in a value of an earlier change that cannot be written
    }
  }
  const meter = new Meter(20);
  let reached: string;
  try {
    await call(arguments_);
    reached = 'accepted';
  } catch (error) {
    reached = isOwn(error) ? 'own error' : judgeError(error);
  }
  meter.check();
  return `${title} ${reached}`;
}

export const api: Target = {
  name: 'api',
  about: 'hostile arguments of every public function: getters, proxies, lying lengths, detached and shared buffers',
  seeds: () => titles.map((call) => encode({ call, changes: [] })),
  make(random) {
    const bytes = make(random);
    return { base: encode({ call: decode(bytes).call, changes: [] }), bytes };
  },
  *simpler(bytes) {
    const { call, changes, values } = decode(bytes);
    for (let i = 0; i < changes.length; i++) yield encode({ call, changes: changes.toSpliced(i, 1) });
    for (let i = values?.length ?? 0; i-- > 0;) yield encode({ call, changes, values: values!.slice(0, i) });
  },
  run,
};

/** Whether correct calls still give what they gave at first. */
export async function correctAnswers(): Promise<string> {
  const results: string[] = [];
  for (const title of titles) {
    const { call, given } = known.get(title)!();
    results.push(`${title} ${plain(await call(given()))}`);
  }
  return results.join('\n');
}
