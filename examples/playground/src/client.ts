import type { Reply, TaskName, Tasks } from './messages';

// Calls the worker.

type OnProgress = (text: string, part?: number) => void;

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  onProgress: OnProgress;
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
function startWorker(): Worker {
  const script = `import ${JSON.stringify(new URL('worker.js', document.baseURI).href)};`;
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  return new Worker(url, { type: 'module' });
}

/** A worker with one network. It ends with its network, whatever it computes at that moment. */
export class Session {
  private readonly worker = startWorker();
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;
  /** Why the worker has ended. */
  private reason: string | undefined;

  constructor() {
    this.worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
      this.take(data);
    });
    this.worker.addEventListener('error', ({ message }) => {
      this.end(message || 'the worker stopped; reload the page');
    });
  }

  private take(reply: Reply): void {
    const call = this.waiting.get(reply.id);
    if (!call) return;
    if ('progress' in reply) {
      call.onProgress(reply.progress.text, reply.progress.part);
      return;
    }
    this.waiting.delete(reply.id);
    if ('error' in reply) call.reject(new TaskError(reply.error.message, reply.error.code));
    else call.resolve(reply.value as never);
  }

  /** Runs a task in the worker. @throws TaskError */
  call<K extends TaskName>(
    task: K,
    args: Parameters<Tasks[K]>,
    onProgress: OnProgress = () => undefined,
    transfer: Transferable[] = [],
  ): Promise<ReturnType<Tasks[K]>> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      if (this.reason !== undefined) throw new TaskError(this.reason, undefined);
      this.waiting.set(id, { resolve, reject, onProgress });
      this.worker.postMessage({ id, task, args }, transfer);
    });
  }

  /** Stops the worker. Calls that wait are rejected. */
  end(reason = 'another network was opened'): void {
    this.reason = reason;
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new TaskError(reason, undefined));
    this.waiting.clear();
  }
}
