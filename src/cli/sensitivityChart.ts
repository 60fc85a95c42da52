import type { LayerSensitivity } from '../compiler/index';

const ROW = 16;
const LABEL = 320;
const WIDTH = 400;
const MARGIN = 24;

/** Bars of how much each layer matters, as SVG. */
export function sensitivityChart(title: string, layers: readonly LayerSensitivity[]): string {
  const most = Math.max(...layers.map(({ error }) => error), 1e-9);
  const height = 2 * MARGIN + ROW * layers.length;
  const rows = layers.map(({ name, error }, i) => {
    const y = 2 * MARGIN + ROW * i;
    const width = WIDTH * error / most;
    return `<text x="${LABEL - 8}" y="${y}" text-anchor="end">${
      escapeXml(name.length > 48 ? `…${name.slice(-47)}` : name)
    }</text>`
      + `<rect x="${LABEL}" y="${y - 10}" width="${width.toFixed(1)}" height="12"/><text x="${
        (LABEL + width + 6).toFixed(1)
      }" y="${y}">${error.toFixed(3)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${
    LABEL + WIDTH + 64
  } ${height}" font-family="sans-serif" font-size="11" fill="#333">
<style>rect { fill: #4a7fb5 }</style><rect width="100%" height="100%" style="fill: #fff"/><text x="8" y="18" font-size="13">${
    escapeXml(title)
  }</text>
${rows.join('\n')}
</svg>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
