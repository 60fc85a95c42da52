import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { byteCount } from '../../src/cli/args';
import { describeForeign, foreignKind } from '../../src/cli/foreign';
import { Progress } from '../../src/cli/progress';
import { html } from '../../src/cli/report';
import { randomInputs } from '../../src/cli/tensors';
import { bytesText, clip, countText, digits, facts, floatText, inline, jsonOf, messageText, shortName, table,
  visible } from '../../src/cli/text';

describe('number formatting', () => {
  it.each([[0, '0'], [1234.5, '1235'], [123.4, '123'], [12.34, '12.3'], [0.01234, '0.0123'], [0.0000123, '0.0000'], [
    NaN,
    'NaN',
  ]])('digits(%d) is %s', (value, text) => expect(digits(value)).toBe(text));
  it.each([[5, '5 B'], [1536, '1.50 KiB'], [5_308_416, '5.06 MiB'], [3 * 2 ** 30, '3.00 GiB']])(
    '%d bytes are %s',
    (value, text) => expect(bytesText(value)).toBe(text),
  );
  it.each([[999, '999'], [264_000, '264 k'], [300_775_272, '301 M'], [2.5e9, '2.50 G']])(
    '%d are %s',
    (value, text) => expect(countText(value)).toBe(text),
  );
  it.each([[Math.fround(0.1), '0.1'], [Math.fround(1 / 255), '0.003921569'], [3, '3'], [-0.5, '-0.5']])(
    'the float %d is %s',
    (value, text) => expect(floatText(value)).toBe(text),
  );
  it.each([['65536', 65536], ['512K', 524288], ['2M', 2097152], ['1.5MiB', 1572864], ['64kb', 65536], ['1 M',
    1048576]])('the size %s is %d bytes', (text, value) => expect(byteCount(text)).toBe(value));
  it.each(['', '-1', '0', 'K', '5T', 'M1'])(
    '"%s" is no number of bytes',
    (text) => expect(() => byteCount(text)).toThrow('number of bytes'),
  );
});

describe('text of files', () => {
  const controls = ['\0', '\x07', '\b', '\t', '\r', '\x1b', '\x7f', '\x9b', '\u061c', '\u200e', '\u2028', '\u202e',
    '\u2069'];
  it.each(controls)('shows the control character %j', (c) => {
    const code = c.charCodeAt(0).toString(16);
    expect(visible(`a${c}b`)).toBe(c < '\u0100' ? `a\\x${code.padStart(2, '0')}b` : `a\\u${code.padStart(4, '0')}b`);
  });
  it('keeps other characters and line breaks', () => {
    const text = 'é 漢字 🐦 \u00a0 … ─\n';
    expect(visible(text)).toBe(text);
    expect(inline('a\nb')).toBe('a\\nb');
  });
  it('keeps the indented lines of an error', () => {
    expect(messageText('two:\n  a\n  b\nkinglet: all well')).toBe('two:\n  a\n  b\\nkinglet: all well');
  });
  it('escapes cells, names and labels', () => {
    expect(table([{ head: 'a\nb' }], [['c\x1b[2J\nd']]).replace(/─+/, '─')).toBe('a\\nb\n─\nc\\x1b[2J\\nd\n');
    expect(facts({ 'a\r': 'b' })).toBe('a\\x0d  b\n');
    expect(shortName('a\x1b/b', 40)).toBe('a\\x1b/b');
    expect(clip('a\nb', 40)).toBe('a\\nb');
  });
  it('is the same after JSON', () => {
    const value = { 'k\x9b': controls };
    expect(jsonOf(value)).toBe(visible(jsonOf(value)));
    expect(JSON.parse(jsonOf(value))).toEqual(value);
  });
  it('that is nested too deeply for JSON is refused', () => {
    const deep = JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)) as unknown;
    expect(() => jsonOf(deep)).toThrow('nested too deeply');
  });
  it('is escaped in reports', () => {
    expect(html`<p title="${'"\u202e'}">${'<b>\x1b'}</p>`.html).toBe('<p title="&quot;\\u202e">&lt;b&gt;\\x1b</p>');
  });
});

describe('shortName and clip', () => {
  it('keep the end of a path', () => expect(shortName('a/very/long/path/of/scopes', 10)).toBe('…of/scopes'));
  it('keep the first of several fused names', () =>
    expect(shortName('model/conv/Relu;model/norm', 40)).toBe('model/conv/Relu'));
  it('keep the beginning of a label', () => expect(clip('great white shark, white shark', 12)).toBe('great white…'));
});

describe('tables', () => {
  it('align columns, underline the head and have no trailing spaces', () => {
    expect(table([{ head: 'name' }, { head: 'n', align: 'right' }], [['a', '1'], ['long', '200']]))
      .toBe('name    n\n──────────\na       1\nlong  200\n');
  });
});

describe('foreign files', () => {
  const zip = (entry: string): string => `PK\x03\x04${'\0'.repeat(26)}${entry}`;
  it.each<[string, string]>([['empty', ''], ['lfs', 'version https://git-lfs.github.com/spec/v1\noid sha256:00'], [
    'executorch',
    '\0\0\0\0ET12',
  ], ['gguf', 'GGUF\x03'], ['image', '\x89PNG\r\n\x1a\n'], ['image', '\xff\xd8\xff\xe0'], ['image', 'GIF89a'], ['image',
    'RIFF\x10\n\0\0WEBPVP8 '], ['image', 'BM6\0\0\0\0\0\0\0'], ['sound', 'RIFF\x10\n\0\0WAVEfmt '], ['sound', 'OggS\0'],
    ['mangledHdf5', '\xef\xbf\xbdHDF\r\n'], ['pytorch', zip('archive/data.pkl')], ['zip', zip('readme.txt')], ['gzip',
    '\x1f\x8b\x08'], ['html', '\n<!DOCTYPE html>'], ['html', '\xef\xbb\xbf<html>'], ['json', '{"error": "not found"}'],
    ['safetensors', '\x01\x02\0\0\0\0\0\0{"w": {}}'], ['pickle', '\x80\x02\x8a'], ['savedModel', '\x08\x01\x12\x80'], [
    'protobuf',
    '\n\x05',
  ], ['protobuf', '\x08\x40\x10']])('%s is recognized by %j', (kind, text) => {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    expect(foreignKind(bytes)).toBe(kind);
    expect(describeForeign(bytes)).not.toContain('unknown');
  });

  it.each(['noise noise', 'TFL3', '\0\0\0\0'])('%j has an unknown format', (text) => {
    const bytes = new TextEncoder().encode(text);
    expect(foreignKind(bytes)).toBeUndefined();
    expect(describeForeign(bytes)).toBe('has an unknown format');
  });
});

describe('noise', () => {
  it('is equal for equal seeds and covers the range of the type', () => {
    const inputs = [{ name: 'q', dtype: 'int8', shape: [4096] }, { name: 'f', dtype: 'float32', shape: [4096] }, {
      name: 'l',
      dtype: 'int64',
      shape: [64],
    }];
    const a = randomInputs(inputs, 7) as Record<'q' | 'f', Float32Array>;
    const b = randomInputs(inputs, 7);
    const c = randomInputs(inputs, 8);
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect([Math.min(...a.q), Math.max(...a.q)]).toEqual([-128, 127]);
    expect(Math.min(...a.f)).toBeLessThan(-0.99);
    expect(Math.max(...a.f)).toBeGreaterThan(0.99);
    expect(Math.abs(a.f.reduce((x, y) => x + y) / 4096)).toBeLessThan(0.05);
  });
});

describe('progress', () => {
  const terminal = (): { stream: NodeJS.WriteStream; written: () => string } => {
    const chunks: string[] = [];
    const stream = new Writable({ write: (chunk: Buffer, _, done) => (chunks.push(chunk.toString()), done()) });
    return {
      stream: Object.assign(stream, { isTTY: true, columns: 80 }) as unknown as NodeJS.WriteStream,
      written: () => chunks.join(''),
    };
  };
  const io = { out: () => undefined, err: () => undefined, columns: 100 };

  it('prints nothing in the first second or without a terminal', () => {
    const { stream, written } = terminal();
    const short = new Progress({ ...io, terminal: stream }, 2);
    const unseen = new Progress(io, 2, true);
    short.update(0, 'one');
    short.stop();
    unseen.update(0, 'one');
    unseen.stop();
    expect(written()).toBe('');
  });

  it('shows the current stage after one second', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    const { stream, written } = terminal();
    const progress = new Progress({ ...io, terminal: stream }, 2);
    progress.update(0, 'reading');
    now.mockReturnValue(1500);
    progress.update(1, 'compiling');
    progress.stop();
    now.mockRestore();
    expect(written()).toContain('50 %  compiling');
    expect(written()).not.toContain('reading');
  });
});
