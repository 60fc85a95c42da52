import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { NetworkSearch, NetworkValues, ParameterValues } from '../../compiler/index';
import { KletError } from '../../index';
import type { TaskOptions } from './task';

// Where trials run: in this thread, or in workers that open the network and the data themselves.

/** What a trial results in. */
export interface Evaluated {
  values?: NetworkValues;
  klet?: Uint8Array;
  failure?: string;
}

/** A request to a worker: to run a trial, or only to build its file. */
export interface Request {
  parameters: ParameterValues;
  buildsOnly: boolean;
}

export interface Runner {
  run(request: Request): Promise<Evaluated>;
  /** Stops, also trials that are running. */
  stop(): void;
}

/** What a worker is started with. */
export interface WorkerTask {
  input: string;
  options: TaskOptions;
  originalMs: number | undefined;
}

/** Runs a request. A network that cannot be built is a result, too. */
export function answer(search: NetworkSearch, { parameters, buildsOnly }: Request): Evaluated {
  try {
    return buildsOnly ? { klet: search.build(parameters) } : search.evaluate(parameters);
  } catch (error) {
    if (error instanceof KletError) return { failure: `${error.code}: ${error.message}` };
    throw error;
  }
}

/** The script of the workers, beside the bundled command line. */
const script = new URL('./searchWorker.js', import.meta.url);

/** Whether workers can be started: the sources have no script for them. */
export function hasWorkers(): boolean {
  return existsSync(fileURLToPath(script));
}

/** Runs trials in this thread, one after the other. */
export function runnerHere(search: NetworkSearch): Runner {
  return {
    run: async (request) => {
      // signals arrive between trials
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      return answer(search, request);
    },
    stop: () => undefined,
  };
}

/** Workers, each of which runs one trial at a time. */
export class Pool implements Runner {
  private readonly idle: Worker[] = [];
  private readonly workers: Worker[] = [];
  private readonly waiting: ((worker: Worker) => void)[] = [];

  constructor(private readonly task: WorkerTask, private readonly count: number) {}

  async run(request: Request): Promise<Evaluated> {
    const worker = await this.free();
    try {
      return await new Promise<Evaluated>((resolve, reject) => {
        const settle = (action: () => void): void => {
          worker.removeAllListeners();
          action();
        };
        worker.once('message', (result: Evaluated) => settle(() => resolve(result)));
        worker.once('error', (error) => settle(() => reject(error)));
        worker.once('exit', () => settle(() => reject(new KletError('NO_WASM', 'a worker of the search ended'))));
        worker.postMessage(request);
      });
    } finally {
      const next = this.waiting.shift();
      if (next) next(worker);
      else this.idle.push(worker);
    }
  }

  stop(): void {
    for (const worker of this.workers) {
      worker.removeAllListeners();
      void worker.terminate();
    }
  }

  private free(): Promise<Worker> {
    const idle = this.idle.pop();
    if (idle) return Promise.resolve(idle);
    if (this.workers.length < this.count) {
      const worker = new Worker(script, { workerData: this.task });
      this.workers.push(worker);
      return Promise.resolve(worker);
    }
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }
}
