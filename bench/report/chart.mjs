// The chart of a run: speed on the int8 networks relative to XNNPACK on one thread.
import * as echarts from 'echarts';
import { processorText } from '../tools/machine.mjs';
import { digits } from './text.mjs';

const WIDTH = 860;
const BAR = 13;
const GAP = 18;
const TOP = 92;
const BOTTOM = 34;
/** Number of names above which the legend needs a second line. */
const LEGEND_LINE = 6;
const LEGEND_LINE_HEIGHT = 20;
const FONT = 'system-ui, Helvetica, Arial, sans-serif';
const INK = '#212529';
const PALE = '#868e96';

/** Warm colors for kinglet, cold colors for the other engines. */
const colors = {
  'kinglet-relaxed': '#c92a2a',
  'kinglet-simd': '#f76707',
  'kinglet-scalar': '#ffc078',
  xnnpack: '#343a40',
  litert: '#868e96',
  onnxruntime: '#1971c2',
  tfjs: '#74c0fc',
};
const names = {
  xnnpack: 'XNNPACK (tfjs-tflite)',
  litert: 'LiteRT.js',
  onnxruntime: 'onnxruntime-web, f32',
  tfjs: 'tfjs-backend-wasm, f32',
};

/** Key of the ratio in the interleaved measurements. */
const againstPruned = 'dense on XNNPACK ÷ pruned';

/**
 * @param {object} report as bench.mjs writes it
 * @returns {string} SVG
 */
export function speedChart({ columns, networks, turns: { runs }, summary: { speed }, machine, versions, date }) {
  const shown = columns.filter(({ id }) => id in colors);
  const of = networks.filter(({ name }) => speed.of.includes(name));
  const rows = [
    ...of.map(({ name, macs, results }) => ({
      title: `{name|${name}}\n{pale|${digits(macs / 1e6)} MMAC}`,
      valueOf: (id) => results[id].ratio,
      hint: 'does not run it',
    })),
    { title: '{name|geometric mean}', valueOf: (id) => speed.geometricMean[id], hint: '' },
    ...(Object.values(runs).some(({ ratios }) => ratios[againstPruned])
      ? [{
        title: '{name|mobilenet_v2 pruned to 80 %}\n{pale|0 % right; XNNPACK: all weights}',
        valueOf: (id) => (id === 'xnnpack' ? 1 : runs[id]?.ratios[againstPruned]),
        hint: '',
      }]
      : []),
  ];
  const top = TOP + (shown.length > LEGEND_LINE ? LEGEND_LINE_HEIGHT : 0);
  const height = top + rows.length * (shown.length * BAR + GAP) + BOTTOM;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: FONT, color: INK },
    title: {
      text: 'Speed on int8 networks: XNNPACK = 1, one thread, longer is faster',
      left: 16,
      top: 14,
      textStyle: { fontFamily: FONT, fontSize: 16, color: INK },
      subtext: `${versions.engine} on ${processorText(machine)}, ${date.slice(0, 10)}; medians of one interleaved run`,
      subtextStyle: { fontFamily: FONT, fontSize: 12, color: PALE },
      itemGap: 6,
    },
    legend: {
      left: 12,
      top: 62,
      itemWidth: 12,
      itemHeight: 10,
      itemGap: 30,
      textStyle: { fontFamily: FONT, fontSize: 12, color: INK },
    },
    grid: { left: 200, right: 44, top, bottom: BOTTOM },
    xAxis: {
      type: 'value',
      min: 0,
      axisLabel: { color: PALE, formatter: '{value}×' },
      splitLine: { lineStyle: { color: '#e9ecef' } },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ title }) => title),
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: {
        rich: {
          name: { fontFamily: FONT, fontSize: 12, color: INK, lineHeight: 16 },
          pale: { fontFamily: FONT, fontSize: 11, color: PALE, lineHeight: 15 },
        },
      },
    },
    series: shown.map(({ id, head }, i) => ({
      type: 'bar',
      name: names[id] ?? head.join(' '),
      itemStyle: { color: colors[id] },
      barGap: 0,
      barWidth: BAR - 1,
      barCategoryGap: GAP,
      label: {
        show: true,
        position: 'right',
        fontFamily: FONT,
        fontSize: 10,
        color: INK,
        formatter: ({ value, data }) => (value > 0 ? value.toFixed(2) : data.hint),
      },
      data: rows.map((
        { valueOf, hint },
      ) => (valueOf(id) ? { value: valueOf(id) } : { value: 0, hint, label: { color: PALE } })),
      ...(i === 0 &&
        {
          markLine: {
            silent: true,
            symbol: 'none',
            label: { show: false },
            lineStyle: { color: colors.xnnpack, type: 'solid', width: 1, opacity: 0.5 },
            data: [{ xAxis: 1 }],
          },
        }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
