import type { Browser, Page } from 'playwright-core';
import type * as browserEntry from '../../../src/browser';
import type * as slimEntry from '../../../src/slim';
import type { Model } from '../../../src/index';
import type { Site } from './site';

/** The result of an attempt in the page. */
export interface Outcome<T = unknown> {
  value?: T;
  name?: string;
  code?: string;
  message?: string;
}

declare global {
  // set by site/page.js
  var kinglet: typeof browserEntry;
  var slim: typeof slimEntry;
  var probe: { outputBytes(model: Model, bytes: Uint8Array): number[];
    outcome<T>(work: () => T | Promise<T>): Promise<Outcome<T>> };
}

/**
 * A page with the package as `kinglet` and `slim`, and the helpers as `probe`. Shared memory needs
 * a cross-origin isolated page.
 */
export async function openPage(browser: Browser, site: Site, isolated = false): Promise<Page> {
  const name = isolated ? '/isolated' : '/';
  const headers = isolated
    ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
    : {};
  site.put(name, '<!doctype html><title>kinglet</title><script type="module" src="/site/page.js"></script>', {
    'Content-Type': 'text/html',
    ...headers,
  });
  const page = await browser.newPage();
  await page.goto(site.url + name);
  await page.waitForFunction(() => 'kinglet' in globalThis);
  return page;
}
