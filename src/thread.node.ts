// The worker script for Node.
import { parentPort } from 'node:worker_threads';
import { serveCrew } from './runtime/threads';

parentPort!.once('message', (data: unknown) => {
  serveCrew(data, (answer) => {
    parentPort!.postMessage(answer);
  });
});
