/** The other files of a network, by their names. */
export type ModelFiles = Readonly<Record<string, Uint8Array>>;

/**
 * The file that another one refers to. It may have been given by its last name alone, or from
 * another folder.
 */
export function findFile(files: ModelFiles, path: string): Uint8Array | undefined {
  if (Object.hasOwn(files, path)) return files[path];
  const last = lastName(path);
  if (Object.hasOwn(files, last)) return files[last];
  return Object.entries(files).find(([name]) => lastName(name) === last)?.[1];
}

function lastName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
