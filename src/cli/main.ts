import { Command, CommanderError } from 'commander';
import { benchCommand } from './commands/bench';
import { convertCommand } from './commands/convert';
import { evalCommand } from './commands/eval';
import { inspectCommand } from './commands/inspect';
import { runCommand } from './commands/run';
import { searchCommand } from './commands/search';
import { signCommand } from './commands/sign';
import { verifyCommand } from './commands/verify';
import type { Io } from './io';
import { messageText, visible } from './text';
import { version } from './version';

const DESCRIPTION = 'Runs int8 neural networks wherever JavaScript runs. Converts networks of TensorFlow Lite, ONNX, '
  + 'TensorFlow.js and Keras to small .klet files, inspects, runs and measures them.';

const HELP = `
Getting started:
  $ kinglet inspect mobilenet.onnx --check                    does it convert?
  $ kinglet convert mobilenet.tflite --labels imagenet.txt    write mobilenet.klet
  $ kinglet convert float.onnx --int8 --samples images/       quantize it
  $ kinglet run mobilenet.klet --input parrot.jpg             what is in the image?
  $ kinglet inspect mobilenet.klet                            operators, weights, memory
  $ kinglet eval mobilenet.klet --data photos/                how often is it right?
  $ kinglet search float.onnx --data images/ --test photos/   the best network within a budget
  $ kinglet bench mobilenet.klet                              how fast is it here?

In a program:
  import { load } from 'kinglet';
  const model = await load('mobilenet.klet');
  const scores = model.predict(pixels);

The exit code is 0 for success, 1 for an error, and 2 if "convert" refuses a network that compression
ruined, if a metric of "eval" is beyond a limit, or if "search" finds nothing within the budget; 130 if
Ctrl-C stopped a search. "-" names standard input or output. Messages go to stderr. KINGLET_DEBUG=1 adds
stack traces.`;

/**
 * The command line.
 *
 * @param argv the arguments after the program's name
 * @returns the exit code: 0 for success, 1 for an error or a failed check, 2 for a network that
 *   compression ruined or that is worse than a limit, 130 for a search that Ctrl-C stopped
 */
export async function main(argv: readonly string[], given: Io): Promise<number> {
  const io = harmless(given);
  let code = 0;
  const program = new Command('kinglet');
  program.description(DESCRIPTION);
  program.version(version, '-V, --version', 'show the version');
  program.helpOption('-h, --help', 'show help; "kinglet COMMAND --help" explains one command');
  program.helpCommand('help [command]', 'explain a command');
  program.addHelpText('after', HELP);
  const exit = (value: number): void => {
    code = value;
  };
  program.addCommand(convertCommand(io, exit));
  program.addCommand(inspectCommand(io, exit));
  program.addCommand(runCommand(io));
  program.addCommand(evalCommand(io, exit));
  program.addCommand(searchCommand(io, exit));
  program.addCommand(benchCommand(io));
  program.addCommand(signCommand(io));
  program.addCommand(verifyCommand(io));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showSuggestionAfterError().configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: (text, write) => {
        const message = text.replace(/^error: /, 'kinglet: ').trimEnd();
        const help = command === program ? 'kinglet --help' : `kinglet ${command.name()} --help`;
        write(`${message}\n${help} lists the commands and options\n`);
      },
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

/** Writes text without the control characters that names and labels in files may have. */
function harmless(io: Io): Io {
  return { ...io, out: (text) => io.out(visible(text)), err: (text) => io.err(visible(text)) };
}

function describeError(error: unknown): string {
  const { name, message, stack, code } = error as Error & { code?: string };
  if (process.env.KINGLET_DEBUG) return `${stack ?? String(error)}\n`;
  if (name === 'KletError') {
    const advice = message.replace('the option maxMemory', '--max-memory').replace('the option maxWork', '--max-work');
    return `kinglet: ${code}: ${messageText(advice)}\n`;
  }
  const what = messageText(message ?? String(error));
  return `kinglet: unexpected error: ${what}\nKINGLET_DEBUG=1 shows where it occurred; please report it\n`;
}
