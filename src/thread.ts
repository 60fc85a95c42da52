// The worker script for pages.
import { serveCrew } from './runtime/threads';

addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  serveCrew(data, (answer) => {
    postMessage(answer);
  });
}, { once: true });
