export const program: string;
export function bundle(): Promise<void>;
