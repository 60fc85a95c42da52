// Classifies the frames of a camera, as pages do in a loop of requestAnimationFrame.
import * as ort from 'onnxruntime-web';

const SIZE = 24;
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const LABELS = ['cat', 'dog', 'bird', 'fish', 'horse'];

ort.env.wasm.numThreads = 1;
ort.env.wasm.simd = true;
ort.env.logLevel = 'error';

/** Frames as a canvas gives them. */
function* frames(): Generator<{ width: number; height: number; data: Uint8ClampedArray }> {
  for (let t = 0; t < 4; t++) {
    const data = Uint8ClampedArray.from({ length: SIZE * SIZE * 4 }, (_, i) => (i * (31 + 12 * t) + t * 57) % 256);
    yield { width: SIZE, height: SIZE, data };
  }
}

function preprocess({ data }: { data: Uint8ClampedArray }): ort.Tensor {
  const pixels = SIZE * SIZE;
  const values = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    for (let channel = 0; channel < 3; channel++) {
      values[channel * pixels + i] = (data[4 * i + channel]! / 255 - MEAN[channel]!) / STD[channel]!;
    }
  }
  return new ort.Tensor('float32', values, [1, 3, SIZE, SIZE]);
}

function softmax(logits: Float32Array): number[] {
  const most = Math.max(...logits);
  const exps = Array.from(logits, (x) => Math.exp(x - most));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((x) => x / sum);
}

const session = await ort.InferenceSession.create(process.argv[2]!, {
  executionProviders: ['wasm'],
  graphOptimizationLevel: 'all',
});
const answers: unknown[] = [];
for (const frame of frames()) {
  const feeds: Record<string, ort.Tensor> = {};
  feeds[session.inputNames[0]!] = preprocess(frame);
  const results = await session.run(feeds);
  const output = results[session.outputNames[0]!]!;
  const probabilities = softmax(output.data as Float32Array);
  const best = probabilities.indexOf(Math.max(...probabilities));
  answers.push({ label: LABELS[best], probabilities, dims: output.dims, type: output.type });
}
await session.release();
console.log(JSON.stringify(answers));
