import { parentPort, workerData } from 'node:worker_threads';
import type { Io } from '../io';
import { answer, type Request, type WorkerTask } from './pool';
import { openTask } from './task';

// A worker of a search: opens the network and its data, then runs trials.

/** The command has shown all notes already. */
const quiet: Io = { out: () => undefined, outBytes: () => undefined, err: () => undefined, columns: 80 };

const { input, options, originalMs } = workerData as WorkerTask;
const { search } = openTask(input, options, quiet, { jobs: 1, ...(originalMs !== undefined && { originalMs }) });

parentPort!.on('message', (request: Request) => {
  parentPort!.postMessage(answer(search, request));
});
