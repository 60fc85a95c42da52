// A plugin of Rollup and Vite: the import of a C file gives its text.
export const cText = {
  name: 'c-text',
  enforce: 'pre',
  transform: (code, id) => (id.endsWith('.c') ? { code: `export default ${JSON.stringify(code)};`, map: null } : null),
};
