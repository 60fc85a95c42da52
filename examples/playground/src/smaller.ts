import { call } from './client';
import { announce, bar, bytesText, card, countText, decibelText, h, shortName, table } from './dom';
import type { Changed, Network, Variant } from './messages';

// Quantization and pruning, and how much they change the answers.

const WORST = 12;

const verdicts = { close: 'close to the original', uncertain: 'too few samples to tell', ruined: 'ruined' };

export interface SmallerOptions {
  network: Network;
  /** Turns files into inputs of the network. */
  read: (files: readonly File[]) => Promise<Float32Array[]>;
  /** Adds a version, which becomes the one that is shown. */
  add: (variant: Variant) => void;
}

function sideBySide(original: Variant, variant: Variant): HTMLElement {
  const weights = ({ records }: Variant): string => countText(records.reduce((sum, record) => sum + record.weights, 0));
  const rows = [['.klet file', bytesText(original.klet.length), bytesText(variant.klet.length)], ['memory of tensors',
    bytesText(original.arenaBytes), bytesText(variant.arenaBytes)], ['weights', weights(original), weights(variant)]];
  return table(['', original.label, variant.label], rows, 'Both versions side by side');
}

function comparison(
  original: Variant,
  { variant, verdict, samples, outputs, layers }: Changed,
  isNoise: boolean,
): HTMLElement {
  const ratio = original.klet.length / variant.klet.length;
  const rows = outputs.map((
    { name, agreement, sqnr, maxError },
  ) => [name, agreement === undefined ? '–' : `${(agreement * 100).toFixed(1)} %`, decibelText(sqnr),
    maxError.toPrecision(2)]
  );
  const worst = layers.slice(0, WORST);
  // 60 decibels are one part in a thousand
  const bars = worst.map(({ name, op, sqnr }) =>
    bar(`${op} ${shortName(name)}`, Number.isFinite(sqnr) ? 1 - sqnr / 60 : 0, decibelText(sqnr))
  );
  return h(
    'div',
    { class: 'result' },
    h(
      'p',
      {},
      h('strong', { class: verdict }, verdicts[verdict]),
      ` on ${samples} ${isNoise ? 'samples of noise' : 'samples'}, ${ratio.toFixed(1)} times smaller.`,
    ),
    isNoise
      ? h('p', { class: 'soft' }, 'Noise gives wrong ranges. Drop samples of what the network will see.')
      : undefined,
    sideBySide(original, variant),
    table(['output', 'same best class', 'signal to error', 'largest error'], rows, 'Outputs against the original'),
    bars.length > 0 ? h('h3', {}, 'Layers with the largest errors') : undefined,
    bars.length > 0 ? h('ol', { class: 'bars times', 'aria-label': 'Error of each layer' }, ...bars) : undefined,
  );
}

export function smaller({ network, read, add }: SmallerOptions): HTMLElement {
  if (!network.isFloat) {
    const reason = network.nodes.length === 0
      ? 'A .klet file has a plan and no graph. Open the network in its original format to quantize or prune it.'
      : 'This network has integers already. Open its float32 original to quantize or prune it.';
    return card('smaller', 'Make it smaller', h('p', { class: 'soft' }, reason));
  }
  const original = network.variant;
  let samples: Float32Array[] = [];
  const count = h('p', { class: 'soft' }, 'No samples yet: noise is used in their place.');
  const result = h('div');
  const status = h('p', { role: 'status', class: 'soft' });
  const files = h('input', { type: 'file', multiple: true, accept: 'image/*,audio/*,.npy' });
  const sparsity = h('input', { type: 'range', min: 10, max: 90, step: 5, value: 50, id: 'sparsity' });
  const percent = h('output', { for: 'sparsity' }, '50 %');
  sparsity.addEventListener('input', () => {
    percent.textContent = `${sparsity.value} %`;
  });
  files.addEventListener('change', () => {
    void (async () => {
      try {
        samples = [...samples, ...await read([...files.files ?? []])];
        count.textContent = `${samples.length} samples`;
        count.className = 'soft';
      } catch (error) {
        count.textContent = (error as Error).message;
        count.className = 'error';
      }
      files.value = '';
    })();
  });
  const buttons: HTMLButtonElement[] = [];
  const work = async (run: (onProgress: (text: string, part?: number) => void) => Promise<Changed>): Promise<void> => {
    const pressed = buttons.find((button) => button === document.activeElement);
    for (const button of buttons) button.disabled = true;
    try {
      const changed = await run((text, part) => {
        status.textContent = part === undefined ? `${text}…` : `${text}, ${Math.round(part * 100)} %`;
      });
      status.textContent = '';
      result.replaceChildren(comparison(original, changed, samples.length === 0));
      add(changed.variant);
      announce(`${changed.variant.label}: ${verdicts[changed.verdict]}`);
    } catch (error) {
      status.textContent = '';
      result.replaceChildren(h('p', { class: 'error' }, (error as Error).message));
    }
    for (const button of buttons) button.disabled = false;
    // a disabled button loses the focus
    if (document.activeElement === document.body) pressed?.focus({ preventScroll: true });
  };
  buttons.push(
    h('button', {
      class: 'button main',
      type: 'button',
      id: 'quantize',
      click: () => void work((onProgress) => call('quantize', [samples], onProgress)),
    }, 'Quantize to int8'),
    h('button', {
      class: 'button',
      type: 'button',
      id: 'prune',
      click: () => void work((onProgress) => call('prune', [Number(sparsity.value) / 100, samples], onProgress)),
    }, 'Prune'),
  );
  return card(
    'smaller',
    'Make it smaller',
    h(
      'p',
      {},
      'Quantization makes weights and activations int8, pruning removes weights. Both look at samples of what '
        + 'the network will see, a hundred or more. Every fourth is kept for the comparison.',
    ),
    h('p', { class: 'actions' }, h('label', { class: 'button' }, 'Add samples', files)),
    count,
    h(
      'div',
      { class: 'actions' },
      buttons[0],
      h('span', { class: 'spacer' }),
      h('label', { for: 'sparsity' }, 'Remove'),
      sparsity,
      percent,
      buttons[1],
    ),
    status,
    result,
  );
}
