/** Where a command writes its output. Tests pass their own. */
export interface Io {
  out(text: string): void;
  /**
   * Writes binary data to standard output.
   *
   * @throws KletError `BAD_ARGUMENT` if it is a terminal
   */
  outBytes(bytes: Uint8Array): void;
  err(text: string): void;
  /** Width of tables and drawings, in characters. */
  columns: number;
  /** The terminal for progress bars; absent if stderr is redirected. */
  terminal?: NodeJS.WriteStream;
}
