import { lstatSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeAtomically } from '../../src/cli/files';
import { temporaryFolder } from './cli';

const files = temporaryFolder();
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

describe('writeAtomically', () => {
  it('keeps the old file if the check of the new one fails', () => {
    const folder = files.folder('checked');
    const target = path.join(folder, 'x');
    writeAtomically(target, text('old'));
    expect(() =>
      writeAtomically(target, text('new'), (written) => {
        expect(new TextDecoder().decode(written)).toBe('new');
        throw new Error('no good');
      })
    ).toThrow('no good');
    expect(files.read('checked/x').toString()).toBe('old');
    expect(readdirSync(folder)).toEqual(['x']);
  });

  it('writes to the target of a link and keeps the link', () => {
    files.write('real', 'old');
    symlinkSync('real', files.at('link'));
    symlinkSync('later', files.at('dangling'));
    for (const name of ['link', 'dangling']) {
      writeAtomically(files.at(name), text('new'));
      expect(lstatSync(files.at(name)).isSymbolicLink()).toBe(true);
    }
    expect([files.read('real').toString(), files.read('later').toString()]).toEqual(['new', 'new']);
  });

  it.runIf(process.platform !== 'win32')('writes directly to devices', () => {
    writeAtomically('/dev/null', text('gone'));
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});
