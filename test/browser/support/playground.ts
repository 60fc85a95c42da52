import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { buildPlayground } from '../../../src/build/playground.mjs';
import { describeInChrome, launchChrome } from './chrome';
import { openSite, type Site } from './site';

// The page of examples/playground for tests: built, and served from a folder that is not the root
// of its server.

const FOLDER = '/some/where/';
const types: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** A file that a test gives to the page. */
export interface GivenFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

export function fileOf(name: string, content: Uint8Array | string, mimeType = 'application/octet-stream'): GivenFile {
  return { name, mimeType, buffer: Buffer.from(content) };
}

/** A new page for each test, in a browser that has visited the page before. */
export class Playground {
  page!: Page;
  context!: BrowserContext;
  private site!: Site;
  /** Addresses that the page has requested. */
  requests: string[] = [];
  /** Errors in the page and on its console. Each test must end without one. */
  problems: string[] = [];

  async start(browser: Browser, site: Site): Promise<void> {
    this.site = site;
    this.context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    this.context.on('request', (request) => this.requests.push(request.url()));
  }

  async visit(): Promise<void> {
    this.page = await this.context.newPage();
    this.page.on('pageerror', ({ message }) => this.problems.push(message));
    this.page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
    await this.page.goto(this.site.url + FOLDER);
  }

  async leave(): Promise<void> {
    await this.page.close();
    await this.context.setOffline(false);
    const isOwn = (url: string): boolean => /^(blob|data):/.test(url) || url.startsWith(this.site.url + FOLDER);
    expect(this.requests.splice(0).filter((url) => !isOwn(url))).toEqual([]);
    expect(this.problems.splice(0)).toEqual([]);
  }

  /** Opens a network and waits until it can be tried. */
  async open(...files: (GivenFile | string)[]): Promise<void> {
    const old = await this.page.$('#overview');
    await this.page.setInputFiles('#files', files as GivenFile[]);
    await this.page.waitForFunction((element) => document.querySelector('#overview') !== element, old);
    await this.page.waitForSelector('#try .actions');
  }

  async openExample(name: string): Promise<void> {
    await this.page.click(`.examples button:has-text("${name}")`);
    await this.page.waitForSelector('#try .actions');
  }

  /** The best class of the answer. */
  best = (): Promise<string> => this.page.innerText('.found .best span:first-child');
}

/** A suite with the page. */
export function describePlayground(title: string, body: (at: Playground) => void): void {
  describeInChrome(title, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-playground-'));
    const at = new Playground();
    let browser: Browser;
    let site: Site;

    beforeAll(async () => {
      [browser, site] = await Promise.all([
        launchChrome(['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream']),
        openSite(),
        buildPlayground(folder),
      ]);
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const file = path.join(entry.parentPath, entry.name);
        const type = types[path.extname(file)] ?? 'application/octet-stream';
        const name = FOLDER + path.relative(folder, file).split(path.sep).join('/');
        site.put(name, readFileSync(file), { 'Content-Type': type });
        if (entry.name === 'index.html') site.put(FOLDER, readFileSync(file), { 'Content-Type': type });
      }
      await at.start(browser, site);
    });
    afterAll(async () => {
      await browser?.close();
      site?.close();
      rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(() => at.visit());
    afterEach(() => at.leave());
    body(at);
  });
}
