/** Where a command writes. Tests give their own. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Width that tables and drawings may take. */
  columns: number;
  /** For progress; absent when nobody watches. */
  terminal?: NodeJS.WriteStream;
}
