import { Command, CommanderError } from 'commander';
import { benchCommand } from './commands/bench';
import { convertCommand } from './commands/convert';
import { inspectCommand } from './commands/inspect';
import { runCommand } from './commands/run';
import type { Io } from './io';
import { version } from './version';

/**
 * The command line.
 *
 * @param argv what follows the program's name
 * @returns the exit code: 0, or 1 when something went wrong or a check says no
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let code = 0;
  const program = new Command('kinglet')
    .description('Runs int8 neural networks wherever JavaScript runs: converts them to small .klet files, and shows, runs and measures them.')
    .version(version, '-V, --version', 'show the version').helpOption(
      '-h, --help',
      'show help; "kinglet COMMAND --help" tells more about one',
    ).helpCommand(false).addHelpText(
      'after',
      `
A first walk:
  $ kinglet inspect mobilenet.tflite --check                  does it convert?
  $ kinglet convert mobilenet.tflite --labels imagenet.txt    make mobilenet.klet
  $ kinglet run mobilenet.klet --input parrot.jpg             what is in the picture?
  $ kinglet inspect mobilenet.klet                            operators, weights, memory
  $ kinglet bench mobilenet.klet                              how fast is it here?

In a program:
  import { load } from 'kinglet';
  const model = await load('mobilenet.klet');
  const scores = model.predict(pixels);

Exit code 0 is success, 1 is anything else; messages go to stderr. KINGLET_DEBUG=1 adds stack traces.`,
    );
  for (const command of [convertCommand(io), inspectCommand(io, (value) => {
    code = value;
  }), runCommand(io), benchCommand(io)]) program.addCommand(command);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showSuggestionAfterError().configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: (text, write) =>
        write(`${text.replace(/^error: /, 'kinglet: ').trimEnd()}\n${
          command === program ? 'kinglet --help' : `kinglet ${command.name()} --help`
        } tells what there is\n`),
      getOutHelpWidth: () => Math.min(io.columns, 110),
      getErrHelpWidth: () => Math.min(io.columns, 110),
    });
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    io.err(describeError(error));
    return 1;
  }
}

function describeError(error: unknown): string {
  const { name, message, stack, code } = error as Error & { code?: string };
  if (process.env.KINGLET_DEBUG) return `${stack ?? String(error)}\n`;
  if (name === 'KletError') return `kinglet: ${code}: ${message}\n`;
  return `kinglet: unexpected error: ${message ?? String(error)}\nKINGLET_DEBUG=1 shows where; please report it\n`;
}
