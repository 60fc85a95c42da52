// Runs programs and reads what they answer.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

/** Milliseconds that an engine has. */
export const TIMEOUT = 120_000;
const RESULT = /^\{.*\}$/m;

/** The path of the first of these programs that is installed. */
export const installed = (...names) => () =>
  names.flatMap((
    name,
  ) => (path.isAbsolute(name)
    ? [name]
    : (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, name)))
  ).find(existsSync);

/** Runs a program and returns the line of JSON that it prints. */
export async function output(program, args, folder, env = {}) {
  const text = await textOf(program, args, folder, env);
  const [line] = RESULT.exec(text) ?? [];
  if (line === undefined) throw new Error(lastLines(text) || 'no output');
  return JSON.parse(line);
}

/** Runs a program that must succeed. */
export async function succeed(program, args, folder, env = {}) {
  await textOf(program, args, folder, env, true);
}

async function textOf(program, args, folder, env, mustSucceed = false) {
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => text += part);
  const timer = setTimeout(() => end(child), TIMEOUT);
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(timer);
  if (mustSucceed && status !== 0) throw new Error(`${path.basename(program)} failed: ${errorIn(text)}`);
  return text;
}

/** The line that names an error, before the stack. */
function errorIn(text) {
  const [line] = /^.*(?:error|unable|cannot).*$/im.exec(text) ?? [];
  return line?.slice(0, 300) ?? lastLines(text);
}

const lastLines = (text) => text.trim().split('\n').slice(-3).join(' ').slice(0, 300);

/** Ends a program that was started with `detached`, and those that it started. */
export function end({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}
