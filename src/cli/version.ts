import { readFileSync } from 'node:fs';

/** The version in package.json, one folder above dist/cli.js and two above this file. */
export const version = findVersion();

function findVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { name: string;
        version: string };
      if (name === 'kinglet') return version;
    } catch {
      // try the other path
    }
  }
  return 'unknown';
}
