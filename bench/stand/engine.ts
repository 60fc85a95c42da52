/** Values of an input or output. */
export type Values = Float32Array | Int8Array | Uint8Array | Int32Array;

/** A network in a library, ready to run. */
export interface Session {
  /**
   * One prediction as an application makes it: copies inputs in, runs the network, copies outputs
   * out.
   */
  run(): void | Promise<unknown>;
  /** The outputs of the last run. */
  outputs(): Values[];
  /** Memory of the network in bytes, if the library reports it. */
  memory?: number;
  /** The library's description of what runs, for example its flavor. */
  info?: Record<string, unknown>;
}

/** Options of a column that its engine needs. */
export interface EngineOptions {
  /** URL of the library's files, ending in a slash. */
  library: string;
  flavor?: string;
  threads: number;
  /** Measure the network alone, without copying inputs and outputs. */
  bare?: boolean;
}

/**
 * Loads a library and the bytes of a network.
 *
 * @returns a function that makes the network ready to run; its time counts towards the first answer
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
