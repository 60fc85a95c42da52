import { endScope, startScope, tidy, keep, dispose, memory } from './scopes';
import { namespace } from './unsupported';

// Settings of TensorFlow.js. kinglet has one way to compute, so that they have no effect.

/** Resolves: kinglet's core is ready when a model has loaded. */
export function ready(): Promise<void> {
  return Promise.resolve();
}

/** Has no effect. */
export function setBackend(_backendName: string): Promise<boolean> {
  return Promise.resolve(true);
}

export function getBackend(): string {
  return 'kinglet';
}

/** Has no effect. */
export function enableProdMode(): void {}
/** Has no effect. */
export function disableDeprecationWarnings(): void {}

/** Resolves with the next frame of the page, or in the next turn of the event loop. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestAnimationFrame === 'function') requestAnimationFrame(() => resolve());
    else setTimeout(resolve);
  });
}

/** Settings by name, which have no effect. */
export interface Environment {
  set(flagName: string, value: number | boolean | string): void;
  get(flagName: string): number | boolean | string | undefined;
  getBool(flagName: string): boolean;
  getNumber(flagName: string): number;
  setFlags(flags: Record<string, number | boolean | string>): void;
}

const flags = new Map<string, number | boolean | string>();
const environment: Environment = {
  set: (name, value) => void flags.set(name, value),
  get: (name) => flags.get(name),
  getBool: (name) => flags.get(name) === true,
  getNumber: (name) => Number(flags.get(name) ?? 0),
  setFlags: (all) => {
    for (const [name, value] of Object.entries(all)) flags.set(name, value);
  },
};

export function env(): Environment {
  return environment;
}

const engineMembers = namespace('tf.engine()', {
  startScope: (_name?: string): void => startScope(),
  endScope: (_result?: unknown): void => endScope(),
  tidy,
  keep,
  disposeTensor: dispose,
  memory,
});

export function engine(): typeof engineMembers {
  return engineMembers;
}
