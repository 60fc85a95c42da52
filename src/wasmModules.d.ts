// What the tools of edge platforms make of an import of a .wasm file.
declare module '*.wasm?module' {
  const module: WebAssembly.Module;
  export default module;
}
