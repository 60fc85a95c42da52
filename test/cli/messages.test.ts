import path from 'node:path';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { compile, GraphBuilder } from '../../src/compiler/index';
import { kinglet, quadrants, temporaryFolder } from './cli';

// Error messages about files of the wrong kind, and notes about assumptions.

const files = temporaryFolder();
const network = files.write('quadrants.tflite', quadrants('uint8'));
const floatNetwork = files.write('float.tflite', quadrants('float'));
const digits = path.resolve(import.meta.dirname, '../../models/spoken-digits/spoken-digits.klet');
const png = PNG.sync.write(new PNG({ width: 8, height: 8 }));
const image = files.write('seven.png', png);

/** A file that begins with these Latin-1 characters. */
const starting = (name: string, head: string): string =>
  files.write(name, Buffer.concat([Buffer.from(head, 'latin1'), Buffer.alloc(40)]));

const refusal = async (...argv: string[]): Promise<string> => {
  const { code, out, err } = await kinglet(...argv);
  expect([code, out]).toEqual([1, '']);
  return err;
};

describe('a file of the wrong kind in place of a network', () => {
  const lfs = files.write('pointer.tflite', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n');

  it.each(['convert', 'inspect', 'run', 'bench'])('is named by %s', async (command) => {
    expect(await refusal(command, image)).toContain('seven.png" is an image; name the network first');
    expect(await refusal(command, starting('a.wav', 'RIFF....WAVE')))
      .toContain('is a recording; name the network first');
    expect(await refusal(command, lfs))
      .toContain('is a Git LFS pointer, not the file itself; fetch the file with git lfs');
    const saved = files.write('saved_model.pb', Buffer.from([8, 1, 0x12, 4, 0, 0, 0, 0]));
    expect(await refusal(command, saved)).toContain('TensorFlow SavedModel');
    expect(await refusal(command, path.dirname(saved)))
      .toContain('holds a TensorFlow SavedModel; convert it to .tflite');
    expect(await refusal(command, 'https://example.com/x.tflite'))
      .toContain('it is a URL, and kinglet reads files; download it first');
  });
});

describe('an input of the wrong kind', () => {
  it.each([['x.webp', 'RIFF....WEBP', 'is a WebP image; kinglet reads PNG, JPEG and BMP'], ['x.gif', 'GIF89a',
    'is a GIF image; kinglet reads PNG'], ['x.avif', '\0\0\0\x20ftypavif', 'is an AVIF image'], ['x.mp3', 'ID3\x04',
    'is an MP3 recording; kinglet reads WAV'], ['x.aac', '\xff\xf1\x50', 'is an AAC recording'], ['x.opus',
    `OggS${'\0'.repeat(24)}OpusHead`, 'is an Opus recording'], ['y.ogg', `OggS${'\0'.repeat(24)}\x01vorbis`,
    'is an Ogg Vorbis recording'], ['x.m4a', '\0\0\0\x20ftypM4A ', 'is an M4A recording (AAC)'], ['x.mp4',
    '\0\0\0\x20ftypisom', 'is an MP4 file'], ['y.mp3', '\xff\xfb\x90', 'is an MP3 recording'], ['x.ogg', 'OggS',
    'is an Ogg recording'], ['x.flac', 'fLaC', 'is a FLAC recording'], ['x.npz', 'PK\x03\x04', 'unpack it'], ['x.png',
    'version https://git-lfs', 'git lfs pull'], ['x.klet', 'KLET', 'it goes before --input']])(
      'is named: %s',
      async (name, head, text) => {
        expect(await refusal('run', network, '--input', starting(name, head))).toContain(text);
      },
    );

  it('is converted by a command with the sample rate of the network', async () => {
    expect(await refusal('run', digits, '--input', starting('z.flac', 'fLaC')))
      .toContain('convert it, for example with ffmpeg -i IN -ar 8000 -ac 1 OUT.wav (a page has decodeAudioData for '
        + 'it)');
    expect(await refusal('run', network, '--input', starting('y.flac', 'fLaC')))
      .toContain('with ffmpeg -i IN -ac 1 OUT.wav');
  });

  it('is refused with the kind of input that the network takes', async () => {
    expect(await refusal('run', digits, '--input', image))
      .toContain('is a PNG image, but this network takes recordings; give a .wav file');
    const klet = files.at('image.klet');
    await kinglet(
      'convert',
      floatNetwork,
      '-o',
      klet,
      '--preprocess',
      '{"kind":"image","channels":1,"scale":1,"offset":0}',
    );
    expect(await refusal('run', klet, '--input', starting('b.wav', 'RIFF....WAVE')))
      .toContain('is a recording, but this network takes images');
  });

  it('is called damaged if it is cut off, before the message of the decoder', async () => {
    expect(await refusal('run', network, '--input', files.write('cut.png', png.subarray(0, 60))))
      .toMatch(/cut\.png" is a damaged PNG image, probably cut off; save or download it again \(the decoder says/);
    expect(await refusal('run', network, '--input', files.write('cut.npy', Buffer.from('\x93NUMPY\x01', 'latin1'))))
      .toMatch(/is a \.npy file that cannot be read: damaged, cut off, or .*save it again with numpy\.save \(/);
  });

  it('is refused as text by --labels and --preprocess', async () => {
    for (const option of ['--labels', '--preprocess']) {
      for (const command of ['convert', 'run']) {
        const rest = command === 'run' ? ['--input', image] : ['-o', files.at('never.klet')];
        expect(await refusal(command, network, option, image, ...rest))
          .toContain('seven.png" is a PNG image, not text; give a text file in UTF-8');
      }
    }
    const latin = files.write('latin.txt', Buffer.from('caf\xe9\n', 'latin1'));
    expect(await refusal('run', network, '--labels', latin, '--input', image)).toContain('is not text in UTF-8');
  });
});

describe('preprocessing', () => {
  it.each([['{}', 'has the kind undefined, expected "image" or "audio"'], ['{"kind":"video"}',
    'has the kind "video", expected "image" or "audio"'], ['{"kind":"image"}',
    'needs 1 or 3 as channels, not undefined'], ['{"kind":"image","channels":1,"scale":1,"offset":0,"mean":2}',
    'has the unknown property "mean"']])('%s is refused', async (text, message) => {
      expect(await refusal('run', network, '--input', image, '--preprocess', text)).toContain(message);
    });

  it('is reported in one line if it is assumed, with the option that replaces it', async () => {
    const { err } = await kinglet('run', floatNetwork, '--input', image);
    expect(err)
      .toBe(`kinglet: note: "${image}" (8×8) stretched to 4×4, gray, byte / 255, that is 0..1: assumed, because `
        + 'the file has no preprocessing; say otherwise with '
        + '--preprocess \'{"kind":"image","channels":1,"scale":0.00784,"offset":-1}\''
        + '; no labels in the file, name the classes with --labels FILE\n');
    const suggested = /--preprocess '(.*?)'/.exec(err)![1]!;
    const { code, err: second } = await kinglet('run', floatNetwork, '--input', image, '--preprocess', suggested);
    expect(code).toBe(0);
    expect(second)
      .toContain('(8×8) stretched to 4×4, gray, as the preprocessing says: 1 channel, bytes × 0.00784 + -1');
  });
});

describe('help', () => {
  it('is a command too', async () => {
    const { code, out, err } = await kinglet('help', 'convert');
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe((await kinglet('convert', '--help')).out);
    expect((await kinglet('help')).out).toBe((await kinglet('--help')).out);
  });
});

describe('inspect --names', () => {
  it('shows long names in full', async () => {
    const name = `functional_1/${'very_long_name/'.repeat(8)}relu;second`;
    const b = new GraphBuilder('long');
    const inner = b.node('softmax', [b.input('x', [1, 4])], { beta: 1 }, { name });
    const long = files.write('long.klet', compile(b.finish([b.node('softmax', [inner], { beta: 1 }, { name: 'y' })])));
    expect((await kinglet('inspect', long)).out).not.toContain(name);
    expect((await kinglet('inspect', long, '--names')).out).toContain(name);
  });
});
