/**
 * Records all WebAssembly memories that are created after this call. Call it before a library is
 * loaded.
 *
 * @returns a function that gives the current size of all of them together, in bytes
 */
export function watchMemories(): () => number {
  const memories = new Set<WebAssembly.Memory>();
  const collect = <T>(result: T): T => {
    const { exports } = (result as { instance?: WebAssembly.Instance }).instance ?? (result as WebAssembly.Instance);
    for (const value of Object.values(exports ?? {})) {
      if (value instanceof Memory) memories.add(value);
    }
    return result;
  };
  const { Memory, instantiate, instantiateStreaming } = WebAssembly;
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, args: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(...args);
      memories.add(memory);
      return memory;
    },
  });
  WebAssembly.instantiate =
    (async (...args: Parameters<typeof instantiate>) =>
      collect(await instantiate(...args))) as unknown as typeof instantiate;
  WebAssembly.instantiateStreaming = async (...args) => collect(await instantiateStreaming(...args));
  return () => [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
