#!/usr/bin/env node
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
  err: (text) => {
    process.stderr.write(text);
  },
  columns: process.stdout.columns || 100,
  ...(process.stderr.isTTY && { terminal: process.stderr }),
});
