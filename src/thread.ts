// The worker script for pages.
import { serveJobs } from './runtime/threads';

addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  serveJobs(data, (answer) => {
    postMessage(answer);
  });
}, { once: true });
