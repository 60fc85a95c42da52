import { BarChart, HeatmapChart, LineChart, ScatterChart, type BarSeriesOption, type HeatmapSeriesOption,
  type LineSeriesOption, type ScatterSeriesOption } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, VisualMapComponent, type GridComponentOption,
  type LegendComponentOption, type VisualMapComponentOption } from 'echarts/components';
import { init, use, type ComposeOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { html, Markup } from './markup';

use([BarChart, HeatmapChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent,
  VisualMapComponent, SVGRenderer]);

export type ChartOption = ComposeOption<
  BarSeriesOption | HeatmapSeriesOption | LineSeriesOption | ScatterSeriesOption | GridComponentOption
    | LegendComponentOption | VisualMapComponentOption
>;

/** Colors by name. The page defines them for light and dark. */
export const ink = 'var(--ink)';
export const muted = 'var(--muted)';
export const rule = 'var(--rule)';
export const tones = { plain: 'var(--series-1)', good: 'var(--good)', bad: 'var(--bad)', quiet: 'var(--quiet)' };
/** What a bar, a point or a cell says beside its value. */
export type Tone = keyof typeof tones;
export const seriesColors = [1, 2, 3, 4, 5, 6].map((i) => `var(--series-${i})`);
export const FONT_SIZE = 12;

/** What is drawn, how large, and for whom. */
export interface Drawing {
  /** What the chart shows, for readers that do not see it. */
  title: string;
  width: number;
  height: number;
  option: ChartOption;
  /** The text that appears over an element, by series and by index in its data. */
  hints?: readonly (readonly string[])[];
}

/**
 * Draws a chart as SVG that needs no script. Its texts appear over the elements as tooltips of the
 * browser.
 */
export function draw({ title, width, height, option, hints }: Drawing): Markup {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { color: ink, fontFamily: 'inherit', fontSize: FONT_SIZE },
      ...option,
    });
    const drawn = chart.renderToSVGString().replace(/<style[\s\S]*?<\/style>/g, '').replace(/ class="[^"]*"/g, '');
    return new Markup(withHints(labelled(drawn, title), hints ?? []));
  } finally {
    chart.dispose();
  }
}

function labelled(svg: string, title: string): string {
  const label = html`role="img" aria-label="${title}"`.html;
  return svg.replace('<svg ', `<svg ${label} `);
}

/** Replaces the library's marks of data by the hints of the elements. */
function withHints(svg: string, hints: readonly (readonly string[])[]): string {
  const marks = / ecmeta_series_index="(\d+)"| ecmeta_data_index="(\d+)"| ecmeta_ssr_type="\w+"/g;
  return svg.replace(/<path [^>]* ecmeta_[^>]*><\/path>/g, (path) => {
    const series = /ecmeta_series_index="(\d+)"/.exec(path)?.[1];
    const index = /ecmeta_data_index="(\d+)"/.exec(path)?.[1];
    const hint = hints[Number(series)]?.[Number(index)];
    const title = hint === undefined ? '' : html`<title>${hint}</title>`.html;
    return path.replace(marks, '').replace('></path>', `>${title}</path>`);
  });
}
