/** The part of jsfive that kinglet uses: it reads HDF5 files, and has no types of its own. */
declare module 'jsfive' {
  /** Numbers, strings, and lists of them. Strings of fixed length have their padding. */
  export type Attributes = Record<string, unknown>;

  export class Dataset {
    readonly shape: number[];
    /** numpy's code, such as `<f4`, or a list for other types. */
    readonly dtype: string | unknown[];
    readonly value: ArrayLike<unknown>;
    /** The shape of the parts in which the array is stored, if it is in parts. */
    readonly _dataobjects: { readonly chunks: number[] | null };
  }

  /** The functions that decode chunks, by the numbers of their filters. */
  export const Filters: Map<number, (chunk: ArrayBuffer) => ArrayBuffer>;

  export class Group {
    readonly attrs: Attributes;
    readonly keys: string[];
    get(path: string): Group | Dataset | null;
  }

  export class File extends Group {
    constructor(bytes: ArrayBuffer, name: string);
  }
}
