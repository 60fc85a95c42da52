/** Milliseconds. Worklets have no `performance`. */
export const now: () => number = typeof performance === 'object' ? () => performance.now() : () => Date.now();
