import { describe, expect, test } from 'vitest';
import { everyExtra } from '../../src/everyCore';
import { load as loadNode, loadSync as loadSyncNode } from '../../src/index';
import { load, loadSync } from '../../src/plain';
import { extra } from '../../src/plainExtra';
import { inlinedExtra } from '../../src/runtime/inlined';
import { rejects, refuses } from './refusal';
import { sampleFile } from './sample';

// kinglet/js, and the operators of kinglet/js/extra as its option.

const file = sampleFile();
const asWasm = inlinedExtra({ threaded: false, flavor: 'simd' });

describe('kinglet/js', () => {
  // one test, because a core keeps the operators that it was given
  test('needs the option extra for networks with rare operators, and says where it is', async () => {
    const advice =
      /operators of the extra module; pass the option "extra" \(import \{ extra \} from 'kinglet\/js\/extra'\)/;
    for (const wrong of [undefined, asWasm, new URL('file:///extra.wasm'), {}, 1]) {
      const options = { extra: wrong as never };
      await rejects(() => load(file, options), 'BAD_ARGUMENT', advice);
      refuses(() => loadSync(file, options), 'BAD_ARGUMENT', advice);
    }
    expect(loadSync(file, { extra }).selfTest()).toBe(1);
    expect((await load(file, { extra })).selfTest()).toBe(1);
  });

  test('has the flavor js and no other', async () => {
    for (const flavor of ['simd', 'none'] as never[]) {
      await rejects(() => load(file, { flavor }), 'BAD_ARGUMENT', /no flavor ".+" here; js available/);
      refuses(() => loadSync(file, { flavor }), 'BAD_ARGUMENT', /no flavor ".+" here; js available/);
    }
    expect((await load(file, { flavor: 'js', extra })).info.flavor).toBe('js');
  });

  test('takes no WebAssembly', async () => {
    const advice = /leave out the option "wasm", or import "kinglet"/;
    await rejects(() => load(file, { wasm: 'core.wasm' }), 'BAD_ARGUMENT', advice);
    refuses(() => loadSync(file, { wasm: new Uint8Array(8) }), 'BAD_ARGUMENT', advice);
  });

  test('runs on one thread and says why', async () => {
    expect((await load(file, { threads: 2, extra })).info).toEqual({
      flavor: 'js',
      threads: 1,
      singleThreadReason: 'the plain-JavaScript core has no threads',
    });
  });
});

describe('the option extra of kinglet', () => {
  test('is left aside where it does not suit the core, so that programs work with every core', async () => {
    for (const flavor of ['scalar', 'js'] as const) {
      for (const given of [extra, asWasm]) {
        expect((await loadNode(file, { flavor, extra: given })).selfTest(), flavor).toBe(1);
        expect(loadSyncNode(file, { flavor, extra: given }).selfTest(), flavor).toBe(1);
      }
    }
    expect(everyExtra({ flavor: 'js' } as never)).toBe(extra);
  });
});
