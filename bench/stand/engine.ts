/** Elements of inputs and outputs. */
export type Values = Float32Array | Int8Array | Uint8Array | Int32Array;

/** A network in a library, ready to run. */
export interface Session {
  /** What an application does per prediction: inputs copied in, network run, outputs copied out. */
  run(): void | Promise<unknown>;
  /** The outputs of the last run. */
  outputs(): Values[];
  /** Bytes of memory that the network takes, where the library tells. */
  memory?: number;
  /** What really runs, as the library says. */
  info?: Record<string, unknown>;
}

/** One column of the bench, as its engine sees it. */
export interface EngineOptions {
  /** Where the library's files are: a URL that ends in a slash. */
  library: string;
  flavor?: string;
  threads: number;
  /** Time the network alone, without copying inputs and outputs. */
  bare?: boolean;
}

/**
 * Brings a library and a network's bytes into memory.
 *
 * @returns what the clock of the first answer times: from there to a network ready to run
 */
export type Engine = (file: Uint8Array, inputs: Values[], options: EngineOptions) => Promise<() => Promise<Session>>;

/** Evaluates a classic script, as a `<script src>` in the page would. */
export function addScript(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = url;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`no script at ${url}`));
    document.head.append(script);
  });
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
