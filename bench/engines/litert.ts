import { elementCount, type Engine, type Values } from '../stand/engine';

interface Port {
  dtype: string;
  shape: Int32Array;
}
interface LiteRtTensor {
  toTypedArray(): Values;
  delete(): void;
}
interface LiteRt {
  loadLiteRt: (path: string, options: { threads: boolean }) => Promise<unknown>;
  loadAndCompile: (
    file: Uint8Array,
    options: { accelerator: 'wasm' },
  ) => Promise<{ getInputDetails(): Port[]; run(inputs: LiteRtTensor[]): Promise<LiteRtTensor[]> }>;
  Tensor: new(values: Values, shape: number[]) => LiteRtTensor;
}

/** LiteRT.js on its WebAssembly accelerator, which also uses XNNPACK. */
export const litert: Engine = async (file, values, { library }) => {
  const { loadLiteRt, loadAndCompile, Tensor } = await import(`${library}@litertjs/core/dist/index.js`) as LiteRt;
  return async () => {
    await loadLiteRt(`${library}@litertjs/core/wasm/`, { threads: false });
    const model = await loadAndCompile(file, { accelerator: 'wasm' });
    const shapes = model.getInputDetails().map(({ shape }) => [...shape]);
    if (shapes.some((shape, i) => elementCount(shape) !== values[i]!.length)) {
      throw new Error(`wants inputs of the shapes ${shapes.join(' and ')}`);
    }
    let outputs: Values[] = [];
    return {
      run: async () => {
        const inputs = values.map((array, i) => new Tensor(array, shapes[i]!));
        const results = await model.run(inputs);
        outputs = results.map((tensor) => tensor.toTypedArray());
        for (const tensor of [...inputs, ...results]) tensor.delete();
      },
      outputs: () => outputs,
    };
  };
};
