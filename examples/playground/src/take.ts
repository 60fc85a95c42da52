import { call } from './client';
import { bytesText, card, h, save } from './dom';
import { inputKind, preprocessingFor } from './inputs';
import type { Variant } from './messages';

// The network as files, and the lines that run it.

function snippet({ meta }: Variant, file: string, range: string): string {
  const { inputs, preprocessing } = meta;
  if (inputKind({ inputs, meta }) === 'image') {
    const given = preprocessing
      ? 'model'
      : `model.inputs[0], ${JSON.stringify(preprocessingFor({ inputs, meta }, range))}`;
    return `import { load } from 'kinglet';
import { imageToInput, topK } from 'kinglet/tasks';

const model = await load('${file}');
const scores = model.predict(imageToInput(document.querySelector('img'), ${given}));
console.log(topK(scores, model.meta.labels, 3));
`;
  }
  if (preprocessing?.kind === 'audio') {
    return `import { listen } from 'kinglet/audio';

const klet = await (await fetch('${file}')).arrayBuffer();
await listen({
  klet,
  sampleRate: ${preprocessing.sampleRate},
  worklet: new URL('kinglet/audio/worklet', import.meta.url),
  onOutput: (scores) => console.log(scores),
});
`;
  }
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

/** @param range the values of pixels, for networks that do not say */
export function take(name: string, variant: Variant, range: string): HTMLElement {
  const base = name.replace(/[^\w.-]+/g, '-') || 'network';
  const file = `${base}.klet`;
  const text = snippet(variant, file, range);
  const status = h('p', { role: 'status', class: 'soft' });
  const button = (label: string, work: () => Promise<void>): HTMLElement =>
    h('button', {
      class: 'button',
      type: 'button',
      click: () => {
        work().then(() => {
          status.textContent = '';
        }, (error: Error) => {
          status.textContent = error.message;
        });
      },
    }, label);
  const copy = h('button', { class: 'button small', type: 'button' }, 'Copy');
  copy.addEventListener('click', () => {
    void navigator.clipboard.writeText(text).then(() => {
      copy.textContent = 'Copied';
    });
  });
  return card(
    'take',
    'Take it along',
    h(
      'div',
      { class: 'actions' },
      h('button', {
        class: 'button main',
        type: 'button',
        id: 'download',
        click: () => save(file, variant.klet),
      }, `Download ${file}, ${bytesText(variant.klet.length)}`),
      button('C for a board', async () => {
        const { c } = await call('toC', [variant.klet]);
        for (const [part, content] of Object.entries(c)) save(part, content);
      }),
      button('One script', async () => {
        const script = await call('toScript', [variant.klet]);
        save(`${base}.js`, script.code);
      }),
    ),
    status,
    h('div', { class: 'code' }, copy, h('pre', { tabindex: 0 }, h('code', {}, text))),
  );
}
