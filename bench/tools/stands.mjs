// Opens stands (stand/stand.ts): Chromium pages or Node processes that run engines.
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
 * @property {(task: object) => Promise<object>} start starts a session; a stand may run several
 *   sessions in turn
 * @property {(ms: number) => Promise<void>} warmUp
 * @property {(ms: number, which?: number) => Promise<number[]>} visit samples a session,
 *   by default the first
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Place
 * @property {string} name the browser or Node, with its version
 * @property {Record<string, string>} libraries URLs of the libraries' files
 * @property {() => Promise<Stand>} open opens a fresh stand
 * @property {() => string[]} takeServed library files that stands requested since the last
 *   call
 * @property {() => Promise<void>} close
 */

/**
 * Stands in pages of headless Chromium.
 *
 * @param {string} folder contains the tasks' files and kinglet's dist
 * @returns {Promise<Place>}
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
      // a separate context shares neither process nor caches with the others
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

/**
 * Stands in processes of this Node.
 *
 * @param {string} folder contains the tasks' files and kinglet's dist
 * @returns {Promise<Place>}
 */
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
          const end = () => reject(new Error('the process of the stand exited before it answered'));
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

/** Messages shorter than this, such as "Aborted()", do not give the reason. */
const TERSE = 20;

/** The error's message, with the last line of the console if the message is terse. */
function reasonOf(error, said) {
  const withoutStack = error.message.replace(/^page\.evaluate: (\w*Error: )*/, '').replace(/\n\s*at [^]*/, '');
  const text = withoutStack.replaceAll(/\s+/g, ' ');
  return said.length > 0 && text.length < TERSE ? `${text} (${said.at(-1).split('\n')[0]})` : text;
}
