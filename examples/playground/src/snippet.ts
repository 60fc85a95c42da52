import type { Meta } from '../../../src/browser';
import { inputKind } from './guess';

// The lines that run a network in a program.

/** What a program does with an answer for a picture, by the kind of the task. */
const pictures: Record<string, [call: string, lines: string]> = {
  classify: ['classify', `const [best] = classify(image, model);
console.log(best.label, best.score);`],
  detect: ['detect', `for (const { label, score, box } of detect(image, model)) console.log(label, score, box);`],
  segment: ['segment', `const { width, height, classes, shares } = segment(image, model);
console.log(shares[0].label, shares[0].share, classes.length === width * height);`],
  pose: ['pose',
    `for (const { name, x, y, score } of pose(image, model)[0]?.keypoints ?? []) console.log(name, x, y, score);`],
  embed: ['compareEmbeddings, embed', `const vector = embed(image, model);
console.log(compareEmbeddings(vector, vector)); // 1 for the same picture`],
  regress: ['regress', `for (const { name, value, unit } of regress(image, model)) console.log(name, value, unit);`],
  '': ['imageToInput', `const output = model.predict(imageToInput(image, model));
console.log(output);`],
};

function pictureSnippet(file: string, kind: string): string {
  const [call, lines] = pictures[kind] ?? pictures['']!;
  return `import { load } from 'kinglet';
import { ${call} } from 'kinglet/tasks';

const model = await load('${file}');
const image = document.querySelector('img');
${lines}
`;
}

function soundSnippet(file: string, sampleRate: number, kind: string): string {
  const listening = (onOutput: string): string =>
    `const bytes = await (await fetch('${file}')).arrayBuffer();
${onOutput}
await listen({ klet: bytes, sampleRate: ${sampleRate}, worklet, onOutput });
`;
  const worklet = `const worklet = new URL('kinglet/audio/worklet', import.meta.url);`;
  if (kind !== 'keywords' && kind !== 'detectSound') {
    return `import { listen } from 'kinglet/audio';

${worklet}
${listening('const onOutput = (scores) => console.log(scores);')}`;
  }
  const event = kind === 'keywords' ? '{ label, time }' : '{ label, start, end }';
  return `import { loadSync } from 'kinglet';
import { listen } from 'kinglet/audio';
import { ${kind} } from 'kinglet/tasks/sound';

${worklet}
${
    listening(`const detector = ${kind}(loadSync(bytes));
const onEvent = (${event}) => console.log${event.replace('{ ', '(').replace(' }', ')')};
const onOutput = (scores, frame) => detector.take(scores, frame, onEvent);`)
  }`;
}

function valuesSnippet(file: string, inputs: Meta['inputs']): string {
  const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
  const [first] = inputs;
  const argument = inputs.length === 1
    ? `new Float32Array(${size(first!.shape)})`
    : `{ ${inputs.map(({ name, shape }) => `${JSON.stringify(name)}: new Float32Array(${size(shape)})`).join(', ')} }`;
  return `import { load } from 'kinglet';

const model = await load('${file}');
const output = model.predict(${argument});
console.log(output);
`;
}

/** @param file the name of the `.klet` file */
export function snippetFor({ inputs, preprocessing, task }: Meta, file: string): string {
  const kind = task?.kind ?? '';
  if (inputKind({ inputs, preprocessing }) === 'image') return pictureSnippet(file, kind);
  if (preprocessing?.kind === 'audio') return soundSnippet(file, preprocessing.sampleRate, kind);
  return valuesSnippet(file, inputs);
}
