import type { Engine, Values } from '../stand/engine';

interface Ort {
  env: { wasm: { wasmPaths: string; numThreads: number } };
  InferenceSession: {
    create(
      file: Uint8Array,
      options: object,
    ): Promise<
      { inputNames: string[]; outputNames: string[]; inputMetadata: { shape: number[] }[];
        run(inputs: Record<string, object>): Promise<Record<string, { data: Values }>> }
    >;
  };
  Tensor: new(type: 'float32', values: Float32Array, shape: number[]) => object;
}

/** onnxruntime-web on its WebAssembly execution provider. */
export const onnxruntime: Engine = async (file, values, { library, threads }) => {
  const { env, InferenceSession, Tensor } = await import(`${library}onnxruntime-web/dist/ort.wasm.min.mjs`) as Ort;
  env.wasm.wasmPaths = `${library}onnxruntime-web/dist/`;
  env.wasm.numThreads = threads;
  return async () => {
    const session = await InferenceSession.create(file, {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
    });
    const shapes = session.inputMetadata.map(({ shape }) => shape);
    let outputs: Values[] = [];
    return {
      run: async () => {
        const inputs = Object
          .fromEntries(session.inputNames.map((
            name,
            i,
          ) => [name, new Tensor('float32', values[i] as Float32Array, shapes[i]!)]));
        const results = await session.run(inputs);
        outputs = session.outputNames.map((name) => results[name]!.data);
      },
      outputs: () => outputs,
    };
  };
};
