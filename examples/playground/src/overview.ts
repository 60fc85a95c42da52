import { bytesText, card, countText, facts, h, table } from './dom';
import { graphView } from './graphView';
import { memoryView } from './memoryView';
import type { Network, Variant } from './messages';

// What the network is.

/** "q", "(q − 3)" or "(q + 128)". */
function steps(zeroPoint: number): string {
  if (zeroPoint === 0) return 'q';
  return zeroPoint > 0 ? `(q − ${zeroPoint})` : `(q + ${-zeroPoint})`;
}

function tensors({ meta }: Variant): HTMLElement {
  const row =
    (side: string) => ({ name, dtype, shape, scale, zeroPoint }: Variant['meta']['inputs'][number]): string[] => [side,
      name, dtype, shape.join(' × ') || 'scalar',
      scale === undefined ? '–' : `${scale.toPrecision(3)} × ${steps(zeroPoint ?? 0)}`];
  const rows = [...meta.inputs.map(row('input')), ...meta.outputs.map(row('output'))];
  return table(['', 'name', 'type', 'shape', 'real value'], rows, 'Inputs and outputs');
}

function operators({ layers }: Variant): HTMLElement {
  const counts = new Map<string, number>();
  for (const { op } of layers) counts.set(op, (counts.get(op) ?? 0) + 1);
  const items = [...counts].sort((a, b) => b[1] - a[1]).map(([op, count]) =>
    h('li', {}, h('b', {}, String(count)), ` ${op}`)
  );
  return h('ul', { class: 'chips', 'aria-label': 'Operators' }, ...items);
}

export function overview(network: Network, variant: Variant): HTMLElement {
  const weights = variant.layers.reduce((sum, layer) => sum + layer.weights, 0);
  const work = variant.layers.reduce((sum, layer) => sum + layer.macs, 0);
  return card(
    'overview',
    network.name,
    facts({
      format: network.format,
      'opened file': bytesText(network.fileBytes),
      '.klet file': bytesText(variant.klet.length),
      weights: bytesText(weights),
      'multiply-adds': countText(work),
      'memory of tensors': bytesText(variant.arenaBytes),
    }),
    tensors(variant),
    h('h3', {}, 'Operators'),
    operators(variant),
  );
}

/** How it is made. */
export function inside(network: Network, variant: Variant): HTMLElement {
  return card(
    'inside',
    'Inside',
    h('h3', {}, network.nodes.length > 0 ? 'Graph, as it was opened' : 'Operators of the plan'),
    graphView(network.nodes, variant),
    h('h3', {}, 'Memory'),
    memoryView(variant),
  );
}
