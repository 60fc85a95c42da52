/** Elements of an input or output tensor. */
export type Values = Float32Array | Int8Array | Uint8Array | Int32Array;

/** A network in a library, ready to run. */
export interface Session {
  /** What an application does per prediction: inputs copied in, network run, outputs copied out. */
  run(): void | Promise<unknown>;
  /** The outputs of the last run. */
  outputs(): Values[];
  /** Memory of the network in bytes, if the library reports it. */
  memory?: number;
  /** Details of the session, as the library reports them, for example the flavor. */
  info?: Record<string, unknown>;
}

/** Options of one column, for its engine. */
export interface EngineOptions {
  /** URL of the library's files, with a slash at its end. */
  library: string;
  flavor?: string;
  threads: number;
  /** Time the network alone, without copying inputs and outputs. */
  bare?: boolean;
}

/**
 * Loads a library.
 *
 * @param file the network's bytes
 * @returns a function that makes the network ready to run; the time to the first answer starts with
 *   its call
 */
export type Engine = (file: Uint8Array, inputs: Values[], options: EngineOptions) => Promise<() => Promise<Session>>;

/** Adds a classic script to the page, as `<script src>` does. */
export function addScript(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = url;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`cannot load the script ${url}`));
    document.head.append(script);
  });
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
