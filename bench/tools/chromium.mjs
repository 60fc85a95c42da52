// Finds and starts the machine's Chromium.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'chrome.exe',
  'msedge.exe'];
const places = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium', 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe'];
// Playwright adds --headless and a fresh --user-data-dir
export const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** The executable: CHROME_PATH, or the first one found in PATH or the usual folders. */
export function findChromium() {
  if (process.env.CHROME_PATH) return process.env.CHROME_PATH;
  const inPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  const found = [...inPath, ...places].find((file) => existsSync(file));
  if (!found) {
    const remedy = 'install it (Debian: apt-get install chromium) or set CHROME_PATH to its executable';
    throw new Error(`Chromium was not found: ${remedy}`);
  }
  return found;
}

/** @param {string[]} more flags besides the usual ones */
export function openChromium(more = []) {
  return chromium.launch({ executablePath: findChromium(), args: [...flags, ...more] });
}
