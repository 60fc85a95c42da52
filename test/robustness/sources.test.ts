import { createServer, type Server } from 'node:http';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, constants, createWriteStream, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { load, loadSync, type Source, type WasmSource } from '../../src/index';
import { inlinedExtra } from '../../src/runtime/inlined';
import { makeRuntime } from '../../src/runtime/bundle';
import { load as loadSlim, loadSync as loadSyncSlim } from '../../src/slim';
import { rejects, refuses, staysUsable } from './refusal';
import { sampleFile } from './sample';

const file = sampleFile();
const integrity = `sha256-${createHash('sha256').update(file).digest('base64')}`;
const extra = inlinedExtra({ threaded: false, flavor: 'simd' });
const coreOf = (flavor: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(path.resolve(import.meta.dirname, `../../build/core.${flavor}.wasm`)));
const cores = { simd: coreOf('simd'), scalar: coreOf('scalar') };
const html = '<!DOCTYPE html><html><body>Not found</body></html>';

let server: Server;
let base: string;
let folder: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    switch (request.url) {
      case '/model.klet':
        response.end(file);
        break;
      case '/core.wasm':
        response.end(cores.scalar);
        break;
      case '/page':
        response.setHeader('content-type', 'text/html').end(html);
        break;
      case '/broken':
        response.writeHead(500).end('oh');
        break;
      case '/cut':
        response.setHeader('content-length', file.length).write(file.subarray(0, 500));
        setTimeout(() => response.destroy(), 20);
        break;
      case '/slow':
        response.setHeader('content-length', file.length).write(file.subarray(0, 500));
        break;
      case '/endless':
        break;
      case '/letters': {
        const more = (): void => {
          while (response.write('A'.repeat(65536)));
        };
        response.on('drain', more);
        more();
        break;
      }
      case '/longer':
        response.write(file);
        response.write(Buffer.alloc(65536));
        break;
      default:
        response.writeHead(404).end(html);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address!.port : 0}`;
  folder = await mkdtemp(path.join(tmpdir(), 'klet-'));
  await writeFile(path.join(folder, 'model.klet'), file);
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

function stream(...parts: unknown[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const part = parts.shift();
      if (part === undefined) controller.close();
      else if (part instanceof Error) controller.error(part);
      else controller.enqueue(part as Uint8Array);
    },
  });
}

/** What a link leads to, if it still exists. */
function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

describe('a source', () => {
  staysUsable();

  test('may be changed or transferred as soon as load() has returned', async () => {
    const changes = [(bytes: Uint8Array) => bytes.fill(0), (bytes: Uint8Array) => {
      structuredClone(bytes, { transfer: [bytes.buffer] });
    }];
    for (const change of changes) {
      // without threads in the core given, the model is made twice
      for (const options of [{}, { threads: 2 }, { integrity }]) {
        const [bytes, core, more] = [file.slice(), cores.simd.slice(), extra.slice()];
        const given = load(bytes, { ...options, wasm: core, extra: more });
        for (const array of [bytes, core, more]) change(array);
        expect((await given).selfTest()).toBe(1);
        const own = file.slice();
        const loading = load(own, options);
        change(own);
        const model = await loading;
        expect(model.selfTest()).toBe(1);
        model.dispose();
      }
    }
    for (const options of [{}, { threads: 2 }, { integrity }]) {
      const buffer = Buffer.from(file);
      const loading = load(buffer, options);
      buffer.fill(0);
      const model = await loading;
      expect(model.selfTest()).toBe(1);
      model.dispose();
    }
  });

  test('may be changed while threads start', async () => {
    const bytes = file.slice();
    const model = await load(bytes, {
      threads: 2,
      worker: () => {
        bytes.fill(0);
        throw new Error('no worker');
      },
    });
    expect(model.info.singleThreadReason).toBe('no worker');
    expect(model.selfTest()).toBe(1);
  });

  test('of every supported kind gives the same model', async () => {
    const sources: (() => Source | PromiseLike<Source>)[] = [() => path.join(folder, 'model.klet'),
      () => pathToFileURL(path.join(folder, 'model.klet')), () => pathToFileURL(path.join(folder, 'model.klet')).href,
      () => `${base}/model.klet`, () => new URL(`${base}/model.klet`), () => fetch(`${base}/model.klet`),
      () => new Response(file), () => new Blob([file]), () => stream(file.slice(0, 77), file.slice(77)), () => file,
      () => file.buffer, () => new DataView(Uint8Array.of(1, ...file).buffer, 1), () => Promise.resolve(file),
      () => `data:application/octet-stream;base64,${Buffer.from(file).toString('base64')}`];
    for (const source of sources) expect((await load(source())).selfTest()).toBe(1);
  });

  test('that cannot be read is named', async () => {
    await rejects(() => load(path.join(folder, 'nobody.klet')), 'FETCH_FAILED', /cannot read ".*nobody\.klet": ENOENT/);
    await rejects(() => load(folder), 'FETCH_FAILED', /EISDIR/);
    await rejects(() => load(''), 'FETCH_FAILED', /cannot read ""/);
    await rejects(
      () => load(`${base}/nobody.klet`),
      'FETCH_FAILED',
      /the server answered .*nobody\.klet with HTTP status 404 Not Found; check the URL/,
    );
    await rejects(() => load(fetch(`${base}/broken`)), 'FETCH_FAILED', /answered .*\/broken with HTTP status 500/);
    await rejects(
      () => load('http://127.0.0.1:1/model.klet'),
      'FETCH_FAILED',
      /cannot read "http:\/\/127\.0\.0\.1:1\/model\.klet"/,
    );
    await rejects(() => load(fetch('http://127.0.0.1:1/model.klet')), 'FETCH_FAILED', /fetch failed/);
    await rejects(() => load(Promise.reject(new Error('no network today'))), 'FETCH_FAILED', /no network today/);
    await rejects(() => load('http://'), 'FETCH_FAILED', /http:/);
  });

  test('that is a page or ends too early is recognized', async () => {
    await rejects(() => load(`${base}/page`), 'BAD_MAGIC', /page" is not a \.klet file/, /looks like HTML/);
    await rejects(() => load(`${base}/cut`), 'FETCH_FAILED', /cannot read/);
    await rejects(() => load(stream(file.slice(0, 5000))), 'CORRUPT', /the header says \d+ bytes, there are 5000/);
    await rejects(() => load(new Blob([])), 'BAD_MAGIC', /it is empty/);
  });

  test('that fails while it is read is refused with the cause', async () => {
    await rejects(() => load(stream(file.slice(0, 10), new Error('cable cut'))), 'FETCH_FAILED', /cable cut/);
    await rejects(
      () => load(stream('text')),
      'BAD_ARGUMENT',
      /the stream must give bytes \(Uint8Array\), not a string/,
    );
    const locked = stream(file);
    locked.getReader();
    await rejects(() => load(locked), 'FETCH_FAILED', /locked/);
    const used = new Response(file);
    await used.arrayBuffer();
    await rejects(() => load(used), 'BAD_ARGUMENT', /has been read already/);
  });

  test('of an unsupported kind is refused', async () => {
    for (const source of [undefined, null, 7, true, {}, [1, 2], () => file]) {
      await rejects(
        () => load(source as never),
        'BAD_ARGUMENT',
        /a model or core comes from a path, URL, Response, Blob, stream or bytes, not from/,
      );
    }
    for (const source of [undefined, null, 'model.klet', [1, 2], new Response(file)]) {
      refuses(
        () => loadSync(source as never),
        'BAD_ARGUMENT',
        /loadSync takes bytes \(ArrayBuffer or Uint8Array\), not /,
      );
    }
  });

  test('is given up if the signal is aborted before or during reading', async () => {
    const stopped = new AbortController();
    stopped.abort(new Error('never mind'));
    for (const source of [`${base}/model.klet`, path.join(folder, 'model.klet'), file, stream(file)]) {
      const error = await rejects(() => load(source, { signal: stopped.signal }), 'ABORTED', /loading .* was aborted/);
      expect(error.cause).toBe(stopped.signal.reason);
    }
    // aborted between two pieces
    const between = new AbortController();
    const onProgress = (): void => between.abort();
    await rejects(() => load(`${base}/slow`, { signal: between.signal, onProgress }), 'ABORTED', /was aborted/);
    for (const source of [() => `${base}/slow`, () =>
      new ReadableStream<Uint8Array>({
        start: (c) => {
          c.enqueue(file.subarray(0, 9));
        },
      })])
    {
      const later = new AbortController();
      const loading = load(source(), { signal: later.signal });
      setTimeout(() => later.abort(), 30);
      await rejects(() => loading, 'ABORTED', /was aborted/);
    }
  });

  test('is given up when no byte comes for the time of the option', async () => {
    const timeout = 50;
    for (const address of ['slow', 'endless']) {
      await rejects(
        () => load(`${base}/${address}`, { timeout }),
        'FETCH_FAILED',
        new RegExp(`no byte of ".*/${address}" came for 50 ms; check the network, or raise the option "timeout"`),
      );
    }
    let cancelled = false;
    const silent = new ReadableStream<Uint8Array>({
      cancel: () => {
        cancelled = true;
      },
    });
    await rejects(() => load(silent, { timeout }), 'FETCH_FAILED', /no byte of the model came/);
    expect(cancelled).toBe(true);
    for (const longest of [2 ** 40, Infinity]) {
      expect((await load(`${base}/model.klet`, { timeout: longest })).selfTest()).toBe(1);
    }
    for (const value of [0, -1, NaN, '5' as never]) {
      await rejects(() => load(file, { timeout: value }), 'BAD_ARGUMENT', /timeout/);
    }
  });

  test('that is no model is refused when its first bytes are there, and is not read on', async () => {
    await rejects(() => load(`${base}/letters`), 'BAD_MAGIC', /letters" is not a \.klet file/);
    await rejects(() => load(`${base}/longer`), 'CORRUPT', /the header says \d+ bytes, there are \d+/);
    let pieces = 0;
    let cancelled = false;
    const zeros = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pieces++;
        controller.enqueue(new Uint8Array(7));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    await rejects(() => load(zeros), 'BAD_MAGIC');
    expect(pieces).toBeLessThan(10);
    expect(cancelled).toBe(true);
  });

  test('that is a pipe or a device is read until the signal fires', async () => {
    const pipe = path.join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const loading = load(pipe);
    const writer = createWriteStream(pipe);
    writer.end(file);
    expect((await loading).selfTest()).toBe(1);
    await rejects(() => load('/dev/zero'), 'BAD_MAGIC', /starts with 00 00 00 00/);
    await rejects(() => load('/dev/null'), 'BAD_MAGIC', /it is empty/);
    const silent = new AbortController();
    const waiting = load(pipe, { signal: silent.signal });
    setTimeout(() => silent.abort(), 30);
    await rejects(() => waiting, 'ABORTED', /loading ".*pipe" was aborted/);
    await rejects(() => load(pipe, { timeout: 30 }), 'FETCH_FAILED', /no byte of ".*pipe" came for 30 ms/);
    // both are still opening the pipe; they close it as soon as it opens, although it stays silent
    const own = openSync(pipe, constants.O_RDWR);
    const links = (): string[] => readdirSync('/proc/self/fd').map((name) => `/proc/self/fd/${name}`);
    await vi.waitFor(() => expect(links().filter((link) => targetOf(link) === pipe)).toEqual([`/proc/self/fd/${own}`]));
    closeSync(own);
  });

  test('with the option integrity is loaded only if its hash is as expected', async () => {
    const hashOf = (bits: number, bytes: Uint8Array = file): string =>
      `sha${bits}-${createHash(`sha${bits}`).update(bytes).digest('base64')}`;
    const another = hashOf(256, file.subarray(1));
    const right = [hashOf(256), hashOf(384), hashOf(512), `${another} ${hashOf(256)}`, ` ${another}\n${hashOf(384)} `,
      hashOf(256).replaceAll('+', '-').replaceAll('/', '_').replace('=', '')];
    for (const integrity of right) {
      for (const source of [file, `${base}/model.klet`, path.join(folder, 'model.klet')]) {
        expect((await load(source, { integrity })).selfTest()).toBe(1);
      }
    }
    for (const integrity of [another, `${hashOf(256)} ${hashOf(512, file.subarray(1))}`]) {
      const bits = integrity === another ? 256 : 512;
      await rejects(
        () => load(`${base}/model.klet`, { integrity }),
        'BAD_INTEGRITY',
        /model\.klet" is not the expected file: its hash is /,
        new RegExp(hashOf(bits).replaceAll('+', '\\+')),
      );
    }
    const damaged = Uint8Array.from(file, (byte, i) => (i === 100 ? byte ^ 1 : byte));
    await rejects(() => load(damaged, { integrity: hashOf(256) }), 'BAD_INTEGRITY');
    for (const integrity of ['', 'sha256', 'md5-AAAA', 'sha1-AAAA', `${hashOf(256)}, ${hashOf(512)}`, 7, null]) {
      await rejects(() => load(file, { integrity: integrity as never }), 'BAD_ARGUMENT', /"integrity" takes hashes/);
    }
    vi.stubGlobal('crypto', {});
    await rejects(() => load(file, { integrity: hashOf(256) }), 'BAD_ARGUMENT', /needs WebCrypto/);
    vi.unstubAllGlobals();
  });

  test('is read while the core is compiled, and its errors take precedence over those of the core', async () => {
    const order: string[] = [];
    const compiled = new Uint8Array(cores.simd);
    const openWorker = (): never => {
      throw new Error('no workers');
    };
    const openTrust = (): never => {
      throw new Error('no checks');
    };
    const { load: fresh } = makeRuntime({
      builds: {
        simd: () => {
          order.push('core');
          return compiled;
        },
      },
      openWorker,
      openTrust,
      readPath: (name) => {
        order.push(`begin ${String(name)}`);
        return new Promise((resolve) => {
          setTimeout(() => {
            order.push('end');
            resolve(file);
          }, 20);
        });
      },
      extra: () => extra,
    });
    expect((await fresh('a file')).selfTest()).toBe(1);
    expect(order).toEqual(['begin a file', 'core', 'end']);
    const { load: hopeless } = makeRuntime({
      builds: { simd: () => new TextEncoder().encode(html) },
      openWorker,
      openTrust,
    });
    await rejects(() => hopeless(`${base}/broken`), 'FETCH_FAILED', /500/);
    await rejects(() => hopeless(`${base}/model.klet`), 'NOT_WASM', /simd core is not WebAssembly/);
    await rejects(() => load(`${base}/broken`, { wasm: `${base}/endless` }), 'FETCH_FAILED', /500/);
    let cancelled = false;
    const wasm = new Response(new ReadableStream({
      cancel: () => {
        cancelled = true;
      },
    }));
    await rejects(() => load(`${base}/broken`, { wasm }), 'FETCH_FAILED', /500/);
    expect(cancelled, 'loading does not wait for the core').toBe(true);
  });

  test('is given up when onProgress throws', async () => {
    await rejects(
      () =>
        load(stream(file), {
          onProgress: () => {
            throw new Error('no');
          },
        }),
      'FETCH_FAILED',
      /no/,
    );
  });
});

describe('the option wasm', () => {
  staysUsable();
  const withWasm = (wasm: unknown): Promise<unknown> => load(file, { wasm: wasm as WasmSource });

  test('takes URLs, responses, bytes and modules', async () => {
    for (const wasm of [(): unknown => `${base}/core.wasm`, () => new URL(`${base}/core.wasm`),
      () => fetch(`${base}/core.wasm`), () => cores.simd, () => cores.scalar.buffer,
      () => new WebAssembly.Module(cores.simd)])
    {
      expect((await loadSlim(file, { wasm: (await wasm()) as WasmSource, extra })).selfTest()).toBe(1);
    }
    expect(loadSyncSlim(file, { wasm: cores.scalar, extra }).info.flavor).toBe('scalar');
    expect(loadSyncSlim(file, { wasm: new WebAssembly.Module(cores.simd), extra }).info.flavor).toBe('simd');
  });

  test('recognizes a page instead of WebAssembly', async () => {
    await rejects(
      () => withWasm(`${base}/page`),
      'NOT_WASM',
      /page" is not WebAssembly but HTML, probably the server's page for a missing file; check its URL/,
    );
    await rejects(() => withWasm(new Response(html)), 'NOT_WASM', /but HTML/);
    await rejects(() => withWasm(new TextEncoder().encode(html)), 'NOT_WASM', /but HTML/);
    refuses(() => loadSync(file, { wasm: new TextEncoder().encode(html) }), 'NOT_WASM', /but HTML/);
  });

  test('refuses sources that cannot be read', async () => {
    await rejects(
      () => withWasm(`${base}/core.simd.wasm`),
      'FETCH_FAILED',
      /answered .*core\.simd\.wasm with HTTP status 404/,
    );
    await rejects(() => withWasm(path.join(folder, 'core.wasm')), 'FETCH_FAILED', /ENOENT/);
  });

  test('refuses bytes that are not WebAssembly or are truncated', async () => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2, 3), file]) {
      await rejects(() => withWasm(bytes), 'NOT_WASM', /is not WebAssembly; check its URL/);
    }
    for (const length of [5, 8, 100, 10_000, cores.simd.length - 1]) {
      for (const action of [() => withWasm(cores.simd.slice(0, length)), () =>
        Promise.resolve().then(() => loadSync(file, { wasm: cores.simd.slice(0, length) }))])
      {
        const error = await rejects(action, length === 8 ? 'NOT_WASM' : 'NO_WASM');
        expect(error.message).toMatch(/the core given as "wasm"/);
      }
    }
  });

  test('refuses WebAssembly that is not a core of this version', async () => {
    const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const empty = Uint8Array.from(header);
    // (import "a" "b" (func))
    const importing = Uint8Array.of(...header, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x61, 1, 0x62, 0, 0);
    // A module with the exports of a core, all of which are one function () -> i32 with this body.
    const names = ['run', 'flavor', 'validate', 'prepare', 'scratchOf', 'faultOffset'];
    const text = names.flatMap((name) => [name.length, ...Array.from(name, (c) => c.charCodeAt(0)), 0, 0]);
    const section = (id: number, ...bytes: number[]): number[] => [id, bytes.length, ...bytes];
    const impostor = (body: number[]): Uint8Array =>
      Uint8Array.of(
        ...header,
        ...section(1, 1, 0x60, 0, 1, 0x7f),
        ...section(3, 1, 0),
        ...section(7, names.length, ...text),
        ...section(10, 1, body.length + 2, 0, ...body, 0x0b),
      );
    for (const bytes of [empty, importing]) {
      await rejects(() => withWasm(bytes), 'NOT_WASM', /is WebAssembly, but not a core of this kinglet/);
    }
    // the bodies are i32.const 0 and unreachable
    for (const bytes of [impostor([0x41, 0]), impostor([0])]) {
      await rejects(() => withWasm(bytes), 'NO_WASM', /the core given as "wasm" computes incorrectly on this engine/);
    }
    await rejects(
      () => withWasm(new WebAssembly.Module(empty)),
      'NOT_WASM',
      /the module given as "wasm" is WebAssembly, but not a core/,
    );
  });

  test('refuses values of other types, and is required by the slim entry', async () => {
    for (const wasm of [null, 7, {}, []]) {
      await rejects(() => withWasm(wasm), 'BAD_ARGUMENT', /not (from )?(null|a number|Object|Array)/);
    }
    for (const wasm of [null, 'core.wasm', new Response(cores.simd)]) {
      refuses(
        () => loadSync(file, { wasm: wasm as never }),
        'BAD_ARGUMENT',
        /the option "wasm" takes bytes or a WebAssembly\.Module, not /,
      );
    }
    await rejects(() => loadSlim(file), 'BAD_ARGUMENT', /this entry carries no core: pass the option "wasm"/);
    refuses(() => loadSyncSlim(file), 'BAD_ARGUMENT', /this entry carries no core/);
  });
});

describe('other options', () => {
  staysUsable();

  test('refuse unknown flavors', async () => {
    for (const flavor of ['gpu', 'constructor', '__proto__', '', 7, null]) {
      await rejects(
        () => load(file, { flavor: flavor as never }),
        'BAD_ARGUMENT',
        /there is no flavor ".*" here; .*simd, scalar, js available/,
      );
      refuses(() => loadSync(file, { flavor: flavor as never }), 'BAD_ARGUMENT', /there is no flavor/);
    }
  });

  test('refuse limits that are not positive numbers', async () => {
    for (const maxMemory of [0, -1, NaN, 'much', null]) {
      await rejects(
        () => load(file, { maxMemory: maxMemory as never }),
        'BAD_ARGUMENT',
        /maxMemory must be a number of bytes above 0, not /,
      );
    }
    await rejects(
      () => load(file, { maxMemory: 1000 }),
      'OUT_OF_MEMORY',
      /the model needs \d+ bytes of memory and the limit is 1000/,
    );
    await rejects(
      () => load(path.join(folder, 'model.klet'), { maxMemory: 1000 }),
      'OUT_OF_MEMORY',
      /model\.klet" needs \d+ bytes/,
    );
  });

  test('refuse options that are not an object', async () => {
    for (const options of [null, 7, 'simd']) {
      await rejects(() => load(file, options as never), 'BAD_ARGUMENT', /options/);
      refuses(() => loadSync(file, options as never), 'BAD_ARGUMENT', /options/);
    }
  });
});

describe('an engine that is not allowed to compile WebAssembly', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  const policies: [string, RegExp][] = [[
    "violates the following Content Security policy directive because 'unsafe-eval' is not an allowed source",
    /add 'wasm-unsafe-eval' \(not 'unsafe-eval'\) to script-src .* content_security_policy\.extension_pages/,
  ], ['call to WebAssembly.Module() blocked by CSP', /add 'wasm-unsafe-eval'/], [
    'Wasm code generation disallowed by embedder',
    /bundle for the condition "workerd", .* kinglet\/core\.simd\.wasm .* option "wasm"/,
  ]];

  test.each(policies)('names the remedy in the error: %s', async (text, advice) => {
    class Forbidden {
      constructor() {
        throw new WebAssembly.CompileError(`WebAssembly.Module(): ${text}`);
      }
    }
    vi.stubGlobal('WebAssembly', Object.assign(Object.create(WebAssembly) as object, { Module: Forbidden }));
    const error = refuses(() => loadSyncSlim(file, { wasm: cores.simd }), 'NO_WASM', advice);
    expect(error.message).not.toContain('core.scalar.wasm');
    const never = (): never => {
      throw new Error('not here');
    };
    const { load: loadFresh } = makeRuntime({
      builds: { simd: () => cores.simd },
      openWorker: never,
      openTrust: () => Promise.reject(new Error('not here')),
      scalarUrl: () => `${base}/core.wasm`,
    });
    await rejects(
      () => loadFresh(file, { integrity: 'sha256-AAAA' }),
      'FETCH_FAILED',
      /the code that checks "integrity" and "publicKey" cannot be fetched \(not here\): put browser\.trust\.js/,
    );
    await rejects(
      () => loadFresh(`${base}/model.klet`, { cache: true }),
      'BAD_ARGUMENT',
      /"cache" uses the storage of a browser; elsewhere download the file once, and load its path/,
    );
    const { load: loadInPage } = makeRuntime({
      openWorker: never,
      openTrust: never,
      openCache: () => Promise.reject(new Error('not here')),
    });
    await rejects(
      () => loadInPage(`${base}/model.klet`, { cache: true, wasm: cores.simd }),
      'FETCH_FAILED',
      /the code of "cache" cannot be fetched \(not here\): put browser\.cache\.js beside the bundle/,
    );
    await rejects(() => loadFresh(file), 'NO_WASM', advice);
  });

  test('may refuse as late as the instance, as WebKit does', () => {
    class Forbidden {
      constructor() {
        throw new WebAssembly.CompileError('Refused to create a WebAssembly object because of the CSP directive');
      }
    }
    vi.stubGlobal('WebAssembly', Object.assign(Object.create(WebAssembly) as object, { Instance: Forbidden }));
    for (const wasm of [cores.simd, new WebAssembly.Module(cores.simd)]) {
      refuses(() => loadSyncSlim(file, { wasm }), 'NO_WASM', /does not compile .*CSP.* add 'wasm-unsafe-eval'/);
    }
  });
});
