import { existsSync } from 'node:fs';
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

// the bench's types come with its peers, which it installs itself
const bench = existsSync('bench/node_modules') ? [] : ['bench/'];

export default tseslint.config(
  { ignores: ['assembly/', 'build/', 'dist/', '**/node_modules/', 'models/*/recipe/kernels.ts', 'bench/roofline.ts', ...bench] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(['process', 'console', 'WebAssembly', 'TextDecoder', 'fetch', 'setTimeout', 'URL', 'Buffer', 'performance', 'document', 'window'].map((name) => [name, 'readonly'])),
    },
  },
);
