import { addScript, type Engine, type Values } from '../stand/engine';

interface TfliteTensor {
  data(): Values;
}
interface Runner {
  getInputs(): TfliteTensor[];
  getOutputs(): TfliteTensor[];
  infer(): boolean;
}
interface Tflite {
  setWasmPath(path: string): void;
  loadTFLiteModel(bytes: ArrayBuffer, options: { numThreads: number }): Promise<{ modelRunner: Runner }>;
}

/**
 * TensorFlow Lite with XNNPACK: @tensorflow/tfjs-tflite, called at the level of its model runner,
 * which accepts int8 and uint8.
 */
export const xnnpack: Engine = async (file, values, { library, threads, bare }) => {
  const folder = `${library}@tensorflow/`;
  for (const script of ['tfjs-core/dist/tf-core.min.js', 'tfjs-backend-cpu/dist/tf-backend-cpu.min.js',
    'tfjs-tflite/dist/tf-tflite.min.js']) await addScript(folder + script);
  const { tflite } = globalThis as unknown as { tflite: Tflite };
  tflite.setWasmPath(`${folder}tfjs-tflite/wasm/`);
  return async () => {
    const { modelRunner: runner } = await tflite.loadTFLiteModel(file.buffer as ArrayBuffer, { numThreads: threads });
    let targets: Values[] = [];
    let sources: Values[] = [];
    // views of the memory become empty when it grows
    const refresh = (): void => {
      if (targets[0]?.length) return;
      targets = runner.getInputs().map((tensor) => tensor.data());
      sources = runner.getOutputs().map((tensor) => tensor.data());
    };
    refresh();
    const outputs = sources.map((source) => source.slice());
    const infer = (): void => {
      if (!runner.infer()) throw new Error('inference failed');
    };
    const copyIn = (): void => targets.forEach((target, i) => target.set(values[i]!));
    const copyOut = (): void => {
      refresh();
      outputs.forEach((output, i) => output.set(sources[i]!));
    };
    if (bare) copyIn();
    return {
      run: bare ? infer : () => {
        copyIn();
        infer();
        copyOut();
      },
      outputs: () => {
        copyOut();
        return outputs;
      },
    };
  };
};
