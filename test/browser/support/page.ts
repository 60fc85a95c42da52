import type { Browser, Page } from 'playwright-core';
import type * as browserEntry from '../../../src/browser';
import type * as slimEntry from '../../../src/slim';
import type { Model } from '../../../src/index';
import type { Site } from './site';

/** What an attempt in the page came to. */
export interface Outcome<T = unknown> {
  value?: T;
  name?: string;
  code?: string;
  message?: string;
}

declare global {
  // what site/page.js leaves in the page
  var kinglet: typeof browserEntry;
  var slim: typeof slimEntry;
  var probe: {
    outputBytes(model: Model, bytes: Uint8Array): number[];
    outcome<T>(work: () => T | Promise<T>): Promise<Outcome<T>>;
  };
}

/** A page that has the package as `kinglet` and `slim`, and helpers as `probe`. */
export async function openPage(browser: Browser, site: Site): Promise<Page> {
  site.put('/', '<!doctype html><title>kinglet</title><script type="module" src="/site/page.js"></script>', { 'Content-Type': 'text/html' });
  const page = await browser.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => 'kinglet' in globalThis);
  return page;
}
