// Helpers for pages, workers and worklets: predict on raw bytes, and return errors as plain data.

/** @returns the output's bytes */
export function outputBytes(model, bytes) {
  const input = model.inputs[0].dtype === 'int8' ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes;
  const output = model.predict(input, { output: 'raw' });
  return [...new Uint8Array(output.buffer, output.byteOffset, output.byteLength)];
}

/** @returns the value of `work`, or its error as plain data */
export async function outcome(work) {
  try {
    return { value: await work() };
  } catch (error) {
    return { name: error.name, code: error.code, message: error.message };
  }
}
