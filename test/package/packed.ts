import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');
const windows = process.platform === 'win32';

interface PackageJson {
  version: string;
  bin: Record<string, string>;
  dependencies: Record<string, string>;
  exports: Record<string, unknown>;
}

/** The package as users get it. */
export interface Packed {
  tarball: string;
  json: PackageJson;
  /** A project whose node_modules contains only the package and its dependencies. */
  project: string;
  /** Runs a program in that project and returns its output. */
  run(program: string, args: string[]): string;
  remove(): void;
}

/** Packs `dist/` as `npm publish` would, without network, and unpacks it into a project. */
export function pack(): Packed {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kinglet-package-'));
  const project = path.join(folder, 'project');
  const modules = path.join(project, 'node_modules');
  const text: ExecFileSyncOptionsWithStringEncoding = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
  const [{ filename }] = JSON
    .parse(execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      ...text,
      cwd: root,
      shell: windows,
    })) as [{ filename: string }];
  const tarball = path.join(folder, filename);
  mkdirSync(modules, { recursive: true });
  execFileSync('tar', ['-xzf', filename, '-C', 'project/node_modules'], { ...text, cwd: folder });
  renameSync(path.join(modules, 'package'), path.join(modules, 'kinglet'));
  const json = JSON.parse(readFileSync(path.join(modules, 'kinglet/package.json'), 'utf8')) as PackageJson;
  for (const name of Object.keys(json.dependencies)) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name), 'junction');
  }
  cpSync(path.join(import.meta.dirname, 'project'), project, { recursive: true });
  return {
    tarball,
    json,
    project,
    run: (program, args) => execFileSync(program, args, { ...text, cwd: project }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
