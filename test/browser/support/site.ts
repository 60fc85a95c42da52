import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../../..');
const served: [prefix: string, folder: string][] = [['/dist/', 'dist'], ['/site/', 'test/browser/site']];
const types: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server for a test: `dist/`, the scripts of `../site/`, and files that the test adds. */
export interface Site {
  url: string;
  put(name: string, body: Uint8Array | string, headers?: Record<string, string>): void;
  on(name: string, answer: Answer): void;
  close(): void;
}

export async function openSite(): Promise<Site> {
  const answers = new Map<string, Answer>();
  const server = createServer((request, response) => {
    const name = new URL(request.url!, 'http://localhost').pathname;
    const answer = answers.get(name);
    if (answer) answer(request, response);
    else void sendFile(name, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    put(name, body, headers = {}) {
      answers.set(name, (_, response) =>
        response.writeHead(200, { 'Content-Type': types[path.extname(name)] ?? 'application/octet-stream', ...headers })
          .end(body));
    },
    on: (name, answer) => void answers.set(name, answer),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function sendFile(name: string, response: ServerResponse): Promise<void> {
  const place = served.find(([prefix]) => name.startsWith(prefix));
  try {
    if (!place) throw new Error('not served');
    const bytes = await readFile(path.join(root, place[1], name.slice(place[0].length)));
    // an isolated page accepts only worker scripts with the same policy
    response.writeHead(200, {
      'Content-Type': types[path.extname(name)] ?? 'application/octet-stream',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    }).end(bytes);
  } catch {
    response.writeHead(404, { 'Content-Type': 'text/html' }).end('<!doctype html><title>not found</title>');
  }
}
