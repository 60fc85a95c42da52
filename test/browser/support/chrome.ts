import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { describe, onTestFinished, type TestContext } from 'vitest';

// The browser tests use an installed Chrome or Chromium and download nothing.

const HOW = 'needs Chrome: apt-get install chromium, brew install --cask chromium, ' +
  'winget install Google.Chrome, or CHROME_PATH=…';

/** Flags that stop the browser's own network traffic. */
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

/** @returns the browser's executable, from CHROME_PATH or a usual location */
export function findChrome(): string | undefined {
  const { CHROME_PATH } = process.env;
  if (CHROME_PATH) {
    if (!existsSync(CHROME_PATH)) throw new Error(`CHROME_PATH is ${CHROME_PATH}, and there is no such file`);
    return CHROME_PATH;
  }
  return usualPlaces().find((file) => existsSync(file));
}

function usualPlaces(): string[] {
  const { env, platform } = process;
  if (platform === 'win32') {
    const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter((root) => root !== undefined);
    return ['Google/Chrome/Application/chrome.exe', 'Chromium/Application/chrome.exe',
      'Microsoft/Edge/Application/msedge.exe'].flatMap((program) => roots.map((root) => path.join(root, program)));
  }
  if (platform === 'darwin') {
    return ['Google Chrome', 'Chromium', 'Microsoft Edge'].flatMap((name) =>
      ['/Applications', path.join(os.homedir(), 'Applications')].map((folder) =>
        `${folder}/${name}.app/Contents/MacOS/${name}`
      )
    );
  }
  const folders = [...(env.PATH ?? '').split(':').filter(Boolean), '/usr/bin', '/usr/local/bin', '/snap/bin',
    '/opt/google/chrome'];
  return ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'].flatMap((
    name,
  ) => folders.map((folder) => path.join(folder, name)));
}

const program = findChrome();

/**
 * A suite that needs a browser. Without one its tests are skipped, and its title says how to
 * install one.
 */
export function describeInChrome(title: string, body: () => void): void {
  if (program) describe(title, body);
  else describe.skip(`${title} [${HOW}]`, body);
}

export function launchChrome(more: string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: program!, args: [...flags, ...more] });
}

/**
 * Opens a page that is closed when the test ends, because open pages go on drawing.
 *
 * @param test - the context of a concurrent test, which Vitest cannot tell from others
 */
export async function openTab(
  browser: Browser,
  options: BrowserContextOptions = {},
  test: Pick<TestContext, 'onTestFinished'> = { onTestFinished },
): Promise<Page> {
  const context = await browser.newContext(options);
  test.onTestFinished(() => context.close());
  return context.newPage();
}

/** A browser with an unpacked extension, which needs a profile. */
export function launchChromeWith(extension: string, profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: program!,
    args: [...flags, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
    // Playwright's own defaults turn extensions off
    ignoreDefaultArgs: ['--disable-extensions'],
  });
}
