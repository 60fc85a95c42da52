import { afterEach, describe, expect, it, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { kinglet, pair, temporaryFolder } from './cli';

const files = temporaryFolder();

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('kinglet', () => {
  it('prints its version', async () => {
    expect(await kinglet('--version')).toEqual({ code: 0, out: `${packageJson.version}\n`, err: '' });
  });

  it('--help lists every command, with examples', async () => {
    const { code, out, err } = await kinglet('--help');
    expect([code, err]).toEqual([0, '']);
    for (const text of ['convert', 'inspect', 'run', 'bench', '$ kinglet convert mobilenet.tflite', 'KINGLET_DEBUG']) {
      expect(out).toContain(text);
    }
  });

  it('prints the help to stderr when called without arguments', async () => {
    const { code, out, err } = await kinglet();
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('Usage: kinglet');
  });

  it.each([['convert', ['--output', '--name', '--labels', '--preprocess', '--golden', '--max-memory', '--strip']], [
    'inspect',
    ['--memory', '--json', '--check'],
  ], ['run', ['--input', '--output', '--raw', '--flavor', '--json']], ['bench', ['--runs', '--warmup', '--flavor',
    '--profile', '--json']]])('%s --help lists its options, with examples', async (command, options) => {
      const { code, out } = await kinglet(command, '--help');
      expect(code).toBe(0);
      for (const option of options) expect(out).toContain(option);
      expect(out).toContain(`$ kinglet ${command}`);
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(104);
    });

  it.each([[['frobnicate'], "unknown command 'frobnicate'"], [['convrt', 'x'], 'Did you mean convert?'], [['convert'],
    "missing required argument 'in'"], [['inspect', 'x', '--bogus'], "unknown option '--bogus'"], [['run', 'x',
    '--flavor', 'neon'], 'Allowed choices are relaxed, simd, scalar'], [['bench', 'x', '--runs', '0'],
    'It must be greater than 0'], [['bench', 'x', '--runs', 'many'], 'It must be a whole number'], [['convert', 'x',
    '--max-memory', '2 dozen'], 'such as 65536, 512K or 2M']])(
      'refuses %j in one line, which points to the help',
      async (argv, text) => {
        const { code, out, err } = await kinglet(...argv);
        expect([code, out]).toEqual([1, '']);
        expect(err).toContain(text);
        expect(err).toMatch(/^kinglet: .*\n[^]*--help lists the commands and options\n$/);
      },
    );

  it('prints the code of an error, without a stack trace', async () => {
    const { code, out, err } = await kinglet('inspect', files.at('missing.klet'));
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(`kinglet: FETCH_FAILED: cannot read "${files.at('missing.klet')}": no such file or folder\n`);
  });

  it('prints the stack trace if KINGLET_DEBUG is set', async () => {
    vi.stubEnv('KINGLET_DEBUG', '1');
    expect((await kinglet('inspect', files.at('missing.klet'))).err).toMatch(/KletError: cannot read[^]*\n\s+at /);
  });

  it.each(['inspect', 'run', 'bench', 'convert'])('%s refuses a folder', async (command) => {
    expect((await kinglet(command, files.at('.'))).err).toContain('is a directory; name a file in it');
  });

  it.each(['inspect', 'run', 'bench'])('%s refuses a damaged file', async (command) => {
    const bytes = pair();
    bytes[bytes.length - 1]! ^= 1;
    const { code, err } = await kinglet(command, files.write('damaged.klet', bytes));
    expect(code).toBe(1);
    expect(err).toMatch(/^kinglet: CORRUPT: ".*damaged\.klet" is damaged/);
  });
});
