import type { Reply, TaskName, Tasks } from './messages';

// Calls the worker.

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  onProgress: (text: string, part?: number) => void;
}

/** An error of the worker. */
export class TaskError extends Error {
  constructor(message: string, readonly code: string | undefined) {
    super(message);
  }
}

/**
 * A worker that is made from a blob has the policy of the page. One that is made from a file would
 * have that of its own response, and a static server sends none.
 */
function openWorker(): Worker {
  const script = `import ${JSON.stringify(new URL('worker.js', document.baseURI).href)};`;
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  return new Worker(url, { type: 'module' });
}

let worker: Worker | undefined;
let last = 0;
const waiting = new Map<number, Waiting>();

function start(): Worker {
  const started = openWorker();
  started.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
    const call = waiting.get(data.id);
    if (!call) return;
    if ('progress' in data) {
      call.onProgress(data.progress.text, data.progress.part);
      return;
    }
    waiting.delete(data.id);
    if ('error' in data) call.reject(new TaskError(data.error.message, data.error.code));
    else call.resolve(data.value as never);
  });
  started.addEventListener('error', ({ message }) => {
    for (const { reject } of waiting.values()) reject(new TaskError(message || 'the worker stopped', undefined));
    waiting.clear();
    started.terminate();
    worker = undefined;
  });
  return started;
}

/** Runs a task in the worker. @throws TaskError */
export function call<K extends TaskName>(
  task: K,
  args: Parameters<Tasks[K]>,
  onProgress: Waiting['onProgress'] = () => undefined,
): Promise<ReturnType<Tasks[K]>> {
  worker ??= start();
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, onProgress });
    worker!.postMessage({ id, task, args });
  });
}
