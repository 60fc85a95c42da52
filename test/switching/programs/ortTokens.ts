// Finds the next token of a sentence and its class, with token ids of 64 bits.
import ort from 'onnxruntime-web';

const VOCABULARY = ['[PAD]', 'the', 'light', 'turn', 'on', 'off', 'kitchen', 'in', 'lamp', 'please'];
const LENGTH = 8;

function tokenize(text: string): { ids: BigInt64Array; mask: BigInt64Array } {
  const ids = text.split(' ').map((word) => VOCABULARY.indexOf(word));
  const padded = Array.from({ length: LENGTH }, (_, i) => ids[i] ?? 0);
  return { ids: BigInt64Array.from(padded, BigInt), mask: BigInt64Array.from(padded, (id) => (id === 0 ? 0n : 1n)) };
}

const session = await ort.InferenceSession.create(process.argv[2]!);
const answers = [];
for (const text of ['turn on the light', 'turn off the lamp in the kitchen', 'light please']) {
  const { ids, mask } = tokenize(text);
  const feeds: ort.InferenceSession.OnnxValueMapType = {
    input_ids: new ort.Tensor('int64', ids, [1, LENGTH]),
    attention_mask: new ort.Tensor('int64', mask, [1, LENGTH]),
  };
  const { logits, label, known } = await session.run(feeds, { tag: text });
  const [, length, classes] = logits!.dims as [number, number, number];
  const last = text.split(' ').length - 1;
  const row = (logits!.data as Float32Array).subarray(last * classes, (last + 1) * classes);
  answers.push({
    text,
    length,
    next: VOCABULARY[row.indexOf(Math.max(...row))],
    row: Array.from(row),
    label: Number(label!.data[0]),
    known: Array.from(known!.data as Uint8Array, Boolean),
    types: [logits!.type, label!.type, known!.type],
  });
}
console.log(JSON.stringify({ answers, inputs: session.inputNames, outputs: session.outputNames }));
