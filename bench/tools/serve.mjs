// A static server for pages that need high-resolution timers and SharedArrayBuffer.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * Serves folders on a free local port.
 *
 * @param {Record<string, string>} folders folder by path prefix; the first prefix that matches wins
 * @returns {Promise<{ url: string, served: Set<string>, close: () => void }>} `served` collects the
 *   requested files
 */
export async function serve(folders) {
  const served = new Set();
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const prefix = Object.keys(folders).find((start) => path.startsWith(start));
    const file = prefix && join(folders[prefix], path.slice(prefix.length));
    if (!file || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    served.add(file);
    response.writeHead(200, {
      'Content-Type': types[extname(file)] ?? 'application/octet-stream',
      'Content-Length': statSync(file).size,
      // pages share no cached files and no cached compiled code
      'Cache-Control': 'no-store',
      // these two enable SharedArrayBuffer and timers with a resolution of 5 µs
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, served, close: () => server.close() };
}
