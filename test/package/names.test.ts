import { describe, expect, test } from 'vitest';
import { minifyForGzip } from '../../src/build/names.mjs';

// The minifier of the plain-JavaScript core.

/** What a module's default export returns. */
async function result(code: string): Promise<unknown> {
  const small = await minifyForGzip(code, { module: true, compress: false });
  const url = `data:text/javascript,${encodeURIComponent(small)}`;
  return ((await import(/* @vite-ignore */ url)) as { default: () => unknown }).default();
}

describe('the names that a minifier gives', () => {
  test('keep apart variables that are used in one scope', async () => {
    expect(await result(`
        const row = 1;
        function outer(row, column) {
          const inner = (other) => { const column = row + other; return column * 10; };
          return inner(column) + column;
        }
        export default () => [row, outer(2, 3)];
      `)).toEqual([1, 53]);
  });

  test('do not shadow globals and the variables of outer scopes', async () => {
    expect(await result(`
        globalThis.e = 7;
        const first = 1, second = 2;
        export default () => { const third = 3; return [first, second, third, e].map((value) => value + e); };
      `)).toEqual([8, 9, 10, 14]);
  });

  test('leave properties, shorthands, catch clauses, classes and loops as they are', async () => {
    expect(await result(`
        class Shape { width = 2; area(height) { return this.width * height; } }
        const read = ({ width, height = 4, ...rest }) => ({ width, height, rest });
        export default () => {
          const found = [];
          for (let i = 0; i < 2; i++) found.push(() => i);
          for (let i = 5; i < 6; i++) found.push(() => i);
          try { throw new Error('none'); } catch (error) { found.push(() => error.message); }
          loop: for (const width of [1, 2]) { if (width === 1) continue loop; found.push(() => width); }
          return [new Shape().area(3), read({ width: 1, depth: 9 }), found.map((one) => one())];
        };
      `)).toEqual([6, { width: 1, height: 4, rest: { depth: 9 } }, [0, 1, 5, 'none', 2]]);
  });

  test('are the same in functions that are alike', async () => {
    const code = await minifyForGzip(
      `
        export function sum(list) { let total = 0; for (const value of list) total += value; return total; }
        export function product(list) { let total = 1; for (const value of list) total *= value; return total; }
      `,
      { module: true, compress: false },
    );
    const [first, second] = code.split(/export function \w+/).slice(1);
    expect(second!.replace('*=', '+=').replace('=1', '=0')).toBe(first);
  });
});
