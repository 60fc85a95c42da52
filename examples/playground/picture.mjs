// Makes docs/playground.png for the README: the page with the digits of models/digits/. It needs
// dist/ and Chrome or Chromium: CHROME_PATH=/usr/bin/chromium node examples/playground/picture.mjs
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { servePlayground } from '../../src/build/playground.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { url, close } = await servePlayground(8080);
const browser = await chromium.launch({ executablePath: process.env.CHROME_PATH, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1000, height: 1180 }, colorScheme: 'light' });
await page.goto(url);
await page.click('text=Handwritten digits');
await page.waitForSelector('#try-file', { state: 'attached' });
await page.setInputFiles('#try-file', path.join(root, 'models/digits/samples/7.png'));
await page.waitForSelector('.found .best');
await page.evaluate(() => {
  document.activeElement.blur();
  globalThis.scrollTo(0, 0);
});
await page.screenshot({ path: path.join(root, 'docs/playground.png') });
await browser.close();
close();
