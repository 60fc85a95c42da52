// Formats the sources and pages known to git, with the options in dprint.json. With --check, it
// lists the files that are not formatted and exits with 1.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createFromBuffer } from '@dprint/formatter';
import { getPath as markdown } from '@dprint/markdown';
import { getPath as typescript } from '@dprint/typescript';

const { typescript: ofTypeScript, markdown: ofMarkdown, ...shared } = JSON.parse(readFileSync('dprint.json', 'utf8'));
const sources = formatter(typescript(), ofTypeScript);
const pages = formatter(markdown(), ofMarkdown);
const listed = ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.ts', '*.mjs', '*.js', '*.md',
  ':!*_pb.ts'];
const files = execFileSync('git', listed, { encoding: 'utf8' }).split('\n').filter(existsSync);
const unformatted = files.filter((file) => !format(file));

if (process.argv.includes('--check') && unformatted.length > 0) {
  console.error(`not formatted (run "npm run format"):\n${unformatted.map((file) => `  ${file}`).join('\n')}`);
  process.exit(1);
}

function formatter(plugin, config) {
  const made = createFromBuffer(readFileSync(plugin));
  made.setConfig(shared, config);
  return made;
}

/** Returns whether the file was already formatted. */
function format(file) {
  const fileText = readFileSync(file, 'utf8');
  const formatted = file.endsWith('.md')
    ? pages.formatText({ filePath: file, fileText })
    : shown(sources.formatText({ filePath: file, fileText: hidden(fileText) }));
  if (formatted === fileText) return true;
  if (!process.argv.includes('--check')) writeFileSync(file, formatted);
  return false;
}

/** Turns AssemblyScript's function decorators into comments, because dprint would drop them. */
function hidden(text) {
  return text.replace(/^@(\w+(?:\(.*\))?)$/gm, '/*@$1*/');
}

function shown(text) {
  return text.replace(/^\/\*@(\w+(?:\(.*\))?)\*\/$/gm, '@$1');
}
