import type { Plugin } from 'vite';

export const cText: Plugin;
