// Serves the page on this machine only: node examples/digits/serve.mjs [--port 8080]
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = '/examples/digits/';
const FOLDERS = ['dist', 'docs', 'examples', 'models'];
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
  '.klet': 'application/octet-stream',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.md': 'text/plain; charset=utf-8',
};

/**
 * Headers for cross-origin isolation, which gives pages a clock resolution of 5 µs instead of
 * 100 µs, and shared memory for threads.
 */
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
};

/**
 * Answers a request with a file of the project or of `files` (paths by URL path), or with 404.
 */
export async function answer(request, response, page = PAGE, files = {}) {
  const send = (status, headers = {}, text = '') =>
    response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8', ...headers }).end(text);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return send(405, { Allow: 'GET, HEAD' }, 'only GET and HEAD');
  }
  let name;
  try {
    name = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
  } catch {
    return send(400, {}, 'not a path');
  }
  if (name === '/') return send(302, { Location: page });
  const given = Object.hasOwn(files, name);
  let file = given ? files[name] : path.normalize(path.join(ROOT, name));
  const inside = given ||
    FOLDERS.some((folder) => file.startsWith(path.join(ROOT, folder) + path.sep)) && !name.includes('\0');
  let found = inside ? await stat(file).catch(() => undefined) : undefined;
  if (found?.isDirectory()) {
    if (!name.endsWith('/')) return send(302, { Location: `${name}/` });
    file = path.join(file, 'index.html');
    found = await stat(file).catch(() => undefined);
  }
  if (!found?.isFile()) return send(404, {}, `there is no ${name}`);
  response.writeHead(200, {
    ...HEADERS,
    'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'Content-Length': found.size,
  });
  if (request.method === 'HEAD') return response.end();
  return createReadStream(file).on('error', () => response.destroy()).pipe(response);
}

/**
 * Starts the server, on the next free port if the requested one is in use.
 *
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function serve(port = 8080, { page = PAGE, files = {}, attempts = 20 } = {}) {
  const server = createServer((request, response) => void answer(request, response, page, files));
  for (let candidate = port;; candidate++) {
    try {
      await new Promise((resolve, reject) => server.once('error', reject).listen(candidate, '127.0.0.1', resolve));
      break;
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || candidate >= port + attempts) throw error;
    }
  }
  return {
    url: `http://localhost:${server.address().port}${page}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Serves until the user stops it. */
export async function servePage(port) {
  const { url } = await serve(port);
  console.log(`\n  Draw digits at ${url}   (Ctrl+C stops)\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
  await servePage(Number(values.port));
}
