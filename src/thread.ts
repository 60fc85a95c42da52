// The script of a worker in a page or in another worker.
import { serveCrew } from './runtime/threads';

addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  serveCrew(data, (answer) => {
    postMessage(answer);
  });
}, { once: true });
