/** Builds the playground into a folder. @returns the folder */
export function buildPlayground(folder?: string): Promise<string>;

/** Builds the playground and serves it. */
export function servePlayground(port: number): Promise<{ url: string; close: () => void }>;
