import { existsSync } from 'node:fs';
import eslint from '@eslint/js';
import stylistic from '@stylistic/eslint-plugin';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// the types of the bench come with its peers, which the bench installs itself
const bench = existsSync('bench/node_modules') ? [] : ['bench/**/*.ts'];
// AssemblyScript can be parsed as TypeScript, but not type-checked
const assemblyScript = ['assembly/!(layout).ts', 'assembly/*/**/*.ts', 'models/*/recipe/kernels.ts',
  'bench/rooflineKernels.ts'];
const kernels = ['assembly/kernels/*.ts', 'models/*/recipe/kernels.ts', 'bench/rooflineKernels.ts'];

// box drawings may be wider
const width = { code: 120, comments: 100, ignoreUrls: true, ignorePattern: '─' };

const joined = ':not(ForStatement) > VariableDeclaration[declarations.length>1]';
const oneDeclaration = { selector: joined, message: 'One declaration a statement.' };
const oneDeclarationOrRegisters = {
  selector: `${joined}:has(> VariableDeclarator > Identifier.id:not([name=/[0-9]$/]))`,
  message: 'One declaration per statement, except for numbered registers (c00, c01, …).',
};

export default tseslint.config(
  {
    ignores: ['build/', 'dist/', 'examples/boards/*/build/', '**/node_modules/', '**/*_pb.ts',
      'test/fixtures/projects/typescript/', 'test/switching/programs/', ...bench],
  },
  { plugins: { '@stylistic': stylistic }, rules: { 'no-restricted-syntax': ['error', oneDeclaration] } },
  {
    files: assemblyScript,
    languageOptions: {
      parser: tseslint.parser,
      // decorators of functions are AssemblyScript's own
      parserOptions: { allowInvalidAST: true },
    },
  },
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.js'],
    rules: { 'no-nested-ternary': 'error', '@stylistic/max-len': ['error', width] },
  },
  { files: kernels, rules: { 'no-restricted-syntax': ['error', oneDeclarationOrRegisters] } },
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.js'],
    ignores: assemblyScript,
    extends: [eslint.configs.recommended],
    languageOptions: { globals: { ...globals.node, ...globals.browser, ...globals.audioWorklet } },
  },
  {
    // what Espruino and Moddable define
    files: ['examples/boards/**/*.js'],
    languageOptions: { globals: { Bangle: 'readonly', device: 'readonly', trace: 'readonly' } },
  },
  {
    // projects of users, in CommonJS and with Jest
    files: ['test/fixtures/projects/**/*.js'],
    languageOptions: { globals: { ...globals.commonjs, ...globals.jest } },
  },
  {
    files: ['**/*.ts'],
    ignores: assemblyScript,
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', {
        argsIgnorePattern: '^_',
        destructuredArrayIgnorePattern: '^_',
        ignoreRestSiblings: true,
      }],
    },
  },
);
