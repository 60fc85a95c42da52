/** Minifies code with names that compress well. */
export function minifyForGzip(code: string, options: { module?: boolean; compress?: object | false }): Promise<string>;
