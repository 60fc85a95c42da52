import type { Session } from './client';
import { announce, bar, bytesText, card, decibelText, h, progressBar, shortName, table, whileDisabled } from './dom';
import type { Changed, Network, Variant } from './messages';

// Quantization and pruning, and how much they change the answers.

const WORST = 12;

const verdicts = { close: 'close to the original', uncertain: 'too few samples to tell', ruined: 'ruined' };

export interface SmallerOptions {
  session: Session;
  network: Network;
  /** Number of samples; without any noise takes their place. */
  count: () => number;
  /** Adds a version, which becomes the one that is shown. */
  add: (variant: Variant) => Promise<void>;
}

function sideBySide(original: Variant, variant: Variant): HTMLElement {
  const weights = ({ layers }: Variant): string => bytesText(layers.reduce((sum, layer) => sum + layer.weights, 0));
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
      ? h('p', { class: 'soft' }, 'Noise gives wrong ranges. Add samples of what the network will see.')
      : undefined,
    sideBySide(original, variant),
    table(['output', 'same best class', 'signal to error', 'largest error'], rows, 'Outputs against the original'),
    bars.length > 0 ? h('h3', {}, 'Layers with the largest errors') : undefined,
    bars.length > 0 ? h('ol', { class: 'bars times', 'aria-label': 'Error of each layer' }, ...bars) : undefined,
  );
}

export function smaller({ session, network, count, add }: SmallerOptions): HTMLElement {
  if (!network.isFloat) {
    const reason = network.nodes.length === 0
      ? 'A .klet file has a plan and no graph. Open the network in its original format to quantize or prune it.'
      : 'This network has integers already. Open its float32 original to quantize or prune it.';
    return card('smaller', 'Make it smaller', h('p', { class: 'soft' }, reason));
  }
  const result = h('div');
  const status = h('div', { role: 'status', class: 'soft' });
  const sparsity = h('input', { type: 'range', min: 10, max: 90, step: 5, value: 50, id: 'sparsity' });
  const percent = h('output', { for: 'sparsity' }, '50 %');
  sparsity.addEventListener('input', () => {
    percent.textContent = `${sparsity.value} %`;
  });
  const showProgress = (text: string, part?: number): void => {
    status.replaceChildren(...progressBar(text, part));
  };
  const work = async (run: () => Promise<Changed>): Promise<void> => {
    showProgress('starting');
    const isNoise = count() === 0;
    try {
      const changed = await run();
      result.replaceChildren(comparison(network.variant, changed, isNoise));
      announce(`${changed.variant.label}: ${verdicts[changed.verdict]}`);
      await add(changed.variant);
    } catch (error) {
      result.replaceChildren(h('p', { class: 'error' }, (error as Error).message));
    }
    status.replaceChildren();
  };
  const button = (label: string, id: string, style: string, run: () => Promise<Changed>): HTMLButtonElement =>
    h('button', { class: style, type: 'button', id, click: () => void whileDisabled(buttons, () => work(run)) }, label);
  const buttons = [
    button('Quantize to int8', 'quantize', 'button main', () => session.call('quantize', [], showProgress)),
    button('Prune', 'prune', 'button', () => session.call('prune', [Number(sparsity.value) / 100], showProgress)),
  ];
  return card(
    'smaller',
    'Make it smaller',
    h(
      'p',
      {},
      'Quantization makes weights and activations int8, pruning removes weights. Both look at up to 128 samples, at '
        + 'most three of four. The other samples are for the comparison and the accuracy.',
    ),
    h(
      'div',
      { class: 'actions' },
      buttons[0],
      h('div', { class: 'prune' }, h('label', { for: 'sparsity' }, 'Remove'), sparsity, percent, buttons[1]),
    ),
    status,
    result,
  );
}
