// Opens stands (stand/stand.ts): pages of Chromium or Node processes that run engines with
// networks.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openChromium } from './chromium.mjs';
import { peersFolder } from './peers.mjs';
import { serve } from './serve.mjs';
import { bundle } from './typescript.mjs';

const bench = new URL('..', import.meta.url);

/**
 * @typedef {object} Stand
 * @property {(task: object) => Promise<object>} start may be called repeatedly, for sessions by
 *   turns in one stand
 * @property {(ms: number) => Promise<void>} warmUp
 * @property {(ms: number, which?: number) => Promise<number[]>} visits the first session by default
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Place
 * @property {string} name what runs the stands
 * @property {Record<string, string>} libraries URLs of the engines' library files
 * @property {() => Promise<Stand>} open a fresh stand
 * @property {() => string[]} takeServed library files that stands requested since the last call
 * @property {() => Promise<void>} close
 */

/**
 * @param {string} folder where the files of tasks and kinglet's dist are @returns {Promise<Place>}
 *   pages of headless Chromium
 */
export async function chromiumStands(folder) {
  await bundle(new URL('stand/page.ts', bench), join(folder, 'page.js'), 'browser');
  const libraries = { '/node_modules/': peersFolder(), '/dist/': join(folder, 'dist') };
  const server = await serve({ '/files/': folder, ...libraries, '/': fileURLToPath(new URL('stand', bench)) });
  const browser = await openChromium();
  return {
    name: `Chromium ${browser.version()}`,
    libraries: { kinglet: '/dist/', peers: '/node_modules/' },
    async open() {
      // a separate context shares neither process nor caches with others
      const context = await browser.newContext();
      const page = await context.newPage();
      const said = [];
      page.on(
        'console',
        (message) => message.type() === 'error' && !message.text().startsWith('INFO') && said.push(message.text()),
      );
      await page.goto(`${server.url}/page.html`);
      await page.waitForFunction('window.stand');
      const call = async (method, ...given) => {
        try {
          return await page.evaluate(([m, g]) => window.stand[m](...g), [method, given]);
        } catch (error) {
          throw new Error(reasonOf(error, said), { cause: error });
        }
      };
      return {
        start: (task) => call('start', task),
        warmUp: (ms) => call('warmUp', ms),
        visit: (...given) => call('visit', ...given),
        close: () => context.close(),
      };
    },
    takeServed() {
      const files = [...server.served].filter((file) =>
        Object.values(libraries).some((library) => file.startsWith(library))
      );
      server.served.clear();
      return files;
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** @param {string} folder as above @returns {Promise<Place>} processes of this Node */
export async function nodeStands(folder) {
  const entry = join(folder, 'process.mjs');
  await bundle(new URL('stand/process.ts', bench), entry, 'node');
  return {
    name: `Node ${process.version}`,
    libraries: { kinglet: `${pathToFileURL(join(folder, 'dist')).href}/` },
    async open() {
      const child = fork(entry, [folder], { serialization: 'advanced' });
      const call = (method, ...given) =>
        new Promise((resolve, reject) => {
          const end = () => reject(new Error('the process ended'));
          child.once('exit', end);
          child.once('message', ({ value, error }) => {
            child.off('exit', end);
            if (error === undefined) resolve(value);
            else reject(new Error(error));
          });
          child.send([method, ...given]);
        });
      return {
        start: (task) => call('start', task),
        warmUp: (ms) => call('warmUp', ms),
        visit: (...given) => call('visit', ...given),
        close: async () => void child.kill(),
      };
    },
    takeServed: () => [],
    close: async () => undefined,
  };
}

/** Length of a message that says nothing, such as "Aborted()". */
const TERSE = 20;

/** A library's error message, with its console output if the message is terse. */
function reasonOf(error, said) {
  const text = error.message.replace(/^page\.evaluate: (\w*Error: )*/, '').replace(/\n\s*at [^]*/, '').replaceAll(
    /\s+/g,
    ' ',
  );
  return said.length > 0 && text.length < TERSE ? `${text} (${said.at(-1).split('\n')[0]})` : text;
}
