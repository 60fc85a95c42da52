#!/usr/bin/env node
import { KletError } from '../index';
import { main } from './main';

// `kinglet inspect x | head` closes the pipe early, which is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => {
    process.stdout.write(text);
  },
  outBytes: (bytes) => {
    if (process.stdout.isTTY) {
      throw new KletError(
        'BAD_ARGUMENT',
        'standard output is the terminal, and the data is binary; redirect it to a file with >, or name a file with -o',
      );
    }
    process.stdout.write(bytes);
  },
  err: (text) => {
    process.stderr.write(text);
  },
  columns: process.stdout.columns || 100,
  ...(process.stderr.isTTY && { terminal: process.stderr }),
});
