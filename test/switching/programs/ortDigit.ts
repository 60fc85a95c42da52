// Reads a digit that was drawn on a canvas of 280 × 280 pixels.
import { InferenceSession, Tensor } from 'onnxruntime-web';

function drawn(): Uint8ClampedArray {
  const data = new Uint8ClampedArray(280 * 280 * 4);
  for (let y = 40; y < 240; y++) for (let x = 130; x < 150; x++) data[4 * (y * 280 + x) + 3] = 255;
  return data;
}

/** The mean of each 10 × 10 pixels. */
function shrink(data: Uint8ClampedArray): Float32Array {
  const input = new Float32Array(28 * 28);
  for (let y = 0; y < 280; y++) {
    for (let x = 0; x < 280; x++) {
      input[28 * Math.floor(y / 10) + Math.floor(x / 10)]! += data[4 * (280 * y + x) + 3]! / 255 / 100;
    }
  }
  return input;
}

async function main(): Promise<void> {
  const response = await import('node:fs/promises');
  const model = await response.readFile(process.argv[2]!);
  const session: InferenceSession = await InferenceSession.create(
    model.buffer as ArrayBuffer,
    model.byteOffset,
    model.byteLength,
    { executionProviders: ['webgl', 'wasm'] },
  );
  // the first run is slower
  await session.run({ Input3: new Tensor('float32', new Float32Array(784), [1, 1, 28, 28]) });
  const tensor = new Tensor(shrink(drawn()), [1, 784]).reshape([1, 1, 28, 28]);
  const { Plus214_Output_0: scores } = await session.run({ Input3: tensor }, ['Plus214_Output_0']);
  const values = (await scores!.getData()) as Float32Array;
  const digit = values.indexOf(Math.max(...values));
  console.log(JSON.stringify({ digit, values: Array.from(values), size: scores!.size, location: scores!.location }));
  tensor.dispose();
  await session.release();
}

void main();
