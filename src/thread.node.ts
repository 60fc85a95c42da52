// The worker script for Node.
import { parentPort } from 'node:worker_threads';
import { serveJobs } from './runtime/threads';

parentPort!.once('message', (data: unknown) => {
  serveJobs(data, (answer) => {
    parentPort!.postMessage(answer);
  });
});
