import { digits, shortName } from '../text';
import { draw, FONT_SIZE, ink, muted, rule, seriesColors, tones, type ChartOption, type Tone } from './draw';
import type { Markup } from './markup';

/** Width of a chart that has a row of the page to itself, and of two beside each other. */
export const FULL = 880;
export const HALF = 430;
const ROW = 22;
const AXIS = 44;
const LEGEND = 28;
/** The part of a bar chart's width that names take, and the width of a letter. */
const NAME_SHARE = 0.25;
const LETTER = 7.4;
/** Above this number of classes, the cells of a confusion matrix are too small for numbers. */
const MOST_NUMBERS = 20;
/** A cell that is darker than this gets light numbers. */
const DARK_CELL = 0.55;
/** Lines with more points than this are drawn without markers. */
const MOST_MARKERS = 60;

export interface Bar {
  name: string;
  value: number;
  tone?: Tone;
  /** Shown when the pointer is over the bar, after its name and value. */
  note?: string;
}

export interface BarChartOptions {
  title: string;
  /** What the bars measure, with the unit, such as "SQNR in dB". */
  axis: string;
  bars: readonly Bar[];
  /** A line across all bars, such as a bound. */
  limit?: { value: number; name: string };
  width?: number;
  /** How values are written (default: three significant digits). */
  format?: (value: number) => string;
}

/** A horizontal bar for each name, in the given order. Infinite values fill the chart. */
export function barChart({ title, axis, bars, limit, width = FULL, format = digits }: BarChartOptions): Markup {
  const finite = [...bars.map(({ value }) => value), limit?.value ?? 0].filter(Number.isFinite);
  const longest = Math.max(...finite, 0) || 1;
  const margin = NAME_SHARE * width;
  const names = bars.map(({ name }) => shortName(name, Math.floor(margin / LETTER)));
  const option: ChartOption = {
    grid: { left: margin, right: 76, top: limit ? 24 : 4, bottom: AXIS },
    xAxis: { ...valueAxis({ name: axis }), scale: false },
    yAxis: {
      type: 'category',
      inverse: true,
      data: names.map((_, i) => String(i)),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: rule } },
      axisLabel: { color: ink, interval: 0, formatter: (i: string) => names[Number(i)]! },
    },
    series: [{
      type: 'bar',
      barWidth: '66%',
      data: bars.map(({ value, tone = 'plain' }) => ({
        value: Number.isFinite(value) ? value : longest,
        itemStyle: { color: tones[tone] },
        label: { formatter: format(value) },
      })),
      label: { show: true, position: 'right', color: ink, fontSize: FONT_SIZE },
      ...(limit && { markLine: limitLine([limit], 'start') }),
    }],
  };
  const hints = bars.map(({ name, value, note }) => `${name}: ${format(value)}${note ? `, ${note}` : ''}`);
  return draw({ title, width, height: bars.length * ROW + AXIS + (limit ? 28 : 8), option, hints: [hints] });
}

export interface HistogramOptions {
  title: string;
  axis: string;
  /** Edges of the bins in ascending order, one more than counts. */
  edges: readonly number[];
  counts: readonly number[];
  /** Vertical lines, such as the ends of a range. */
  marks?: readonly { value: number; name: string }[];
  /** Logarithmic counts, where one bin holds most values. */
  logarithmic?: boolean;
  width?: number;
  height?: number;
}

export function histogram(options: HistogramOptions): Markup {
  const { title, axis, edges, counts, marks = [], logarithmic = false, width = HALF, height = 190 } = options;
  // an empty bin has no logarithm
  const floor = logarithmic ? 0.5 : 0;
  const points = [[edges[0]!, floor], ...counts.map((count, i) => [edges[i]!, Math.max(count, floor)]), [edges.at(-1)!,
    Math.max(counts.at(-1) ?? 0, floor)], [edges.at(-1)!, floor]];
  const reach = [...edges, ...marks.map(({ value }) => value)];
  const option: ChartOption = {
    grid: { left: 56, right: 16, top: marks.length > 0 ? 24 : 10, bottom: AXIS },
    xAxis: valueAxis({ name: axis, min: Math.min(...reach), max: Math.max(...reach) }),
    yAxis: { ...valueAxis({ log: logarithmic }), ...(logarithmic && { min: floor }) },
    series: [{
      type: 'line',
      step: 'end',
      data: points,
      showSymbol: false,
      lineStyle: { width: 1, color: seriesColors[0]! },
      areaStyle: { color: seriesColors[0]!, opacity: 0.35, origin: 'start' },
      ...(marks.length > 0 && { markLine: limitLine(marks, 'end') }),
    }],
  };
  return draw({ title, width, height, option });
}

export interface Axis {
  name?: string;
  min?: number;
  max?: number;
  log?: boolean;
  format?: (value: number) => string;
}

export interface Point {
  x: number;
  y: number;
  /** Written beside the point. */
  label?: string;
  /** Shown when the pointer is over the point. */
  note?: string;
}

export interface Series {
  name: string;
  points: readonly Point[];
  /**
   * `line` connects the points, `steps` goes level to the next point (the front of a trade-off),
   * `points` connects nothing, and `dashed` is a line for reference without markers.
   */
  kind: 'line' | 'steps' | 'points' | 'dashed';
  tone?: Tone;
}

export interface PlotOptions {
  title: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
  width?: number;
  height?: number;
}

/** Lines and points on two axes with numbers. A legend names the series if there are several. */
export function plot({ title, x, y, series, width = FULL, height = 360 }: PlotOptions): Markup {
  const hasLegend = series.length > 1;
  const option: ChartOption = {
    grid: { left: 72, right: 28, top: 12 + (hasLegend ? LEGEND : 0), bottom: AXIS },
    ...(hasLegend && { legend: { top: 0, textStyle: { color: ink } } }),
    xAxis: { ...valueAxis(x), ...roomFor(x) },
    yAxis: { ...valueAxis(y), ...roomFor(y), nameGap: 52 },
    series: series.map(({ name, points, kind, tone }, i) => {
      const color = tone ? tones[tone] : seriesColors[i % seriesColors.length]!;
      const common = {
        name,
        itemStyle: { color },
        data: points.map((point) => ({
          value: [point.x, point.y],
          ...(point.label !== undefined && { label: { show: true, formatter: point.label } }),
        })),
        label: { position: 'top' as const, color: ink, fontSize: FONT_SIZE },
      };
      if (kind === 'points') return { type: 'scatter' as const, symbolSize: 8, ...common };
      return {
        type: 'line' as const,
        ...common,
        ...(kind === 'steps' && { step: 'end' as const }),
        showSymbol: kind !== 'dashed' && points.length <= MOST_MARKERS,
        symbol: 'circle',
        symbolSize: 7,
        lineStyle: { color, width: kind === 'dashed' ? 1 : 2, type: kind === 'dashed' ? 'dashed' : 'solid' },
      };
    }),
  };
  const hints = series.map(({ name, points }) =>
    points.map((point) => point.note ?? `${name}: ${(x.format ?? digits)(point.x)}, ${(y.format ?? digits)(point.y)}`)
  );
  return draw({ title, width, height, option, hints });
}

export interface ConfusionOptions {
  title: string;
  /** Names of the classes. Show at most about 60, for example those with the most errors. */
  classes: readonly string[];
  /** `counts[i][j]`: how often class i was answered with class j. */
  counts: readonly (readonly number[])[];
  /** What rows and columns are (default: true class, answer). */
  rows?: string;
  columns?: string;
}

/** A confusion matrix as a heat map: each cell is as dark as its share of the row. */
export function confusionMatrix(options: ConfusionOptions): Markup {
  const { title, classes, counts, rows = 'true class', columns = 'answer' } = options;
  const names = classes.map((name) => shortName(name, 22));
  const hasNumbers = classes.length <= MOST_NUMBERS;
  const cell = hasNumbers ? 36 : 14;
  const cells = counts.flatMap((row, i) => {
    const whole = row.reduce((a, b) => a + b, 0);
    return row.map((count, j) => ({ i, j, count, share: whole > 0 ? count / whole : 0 }));
  }).filter(({ count }) => count > 0);
  const axis = (name: string, nameGap: number) => ({
    type: 'category' as const,
    data: names.map((_, i) => String(i)),
    name,
    nameLocation: 'middle' as const,
    nameGap,
    nameTextStyle: { color: muted },
    axisTick: { show: false },
    axisLine: { lineStyle: { color: rule } },
  });
  const label = (rotate: number) => ({
    color: ink,
    interval: 0,
    rotate,
    fontSize: hasNumbers ? FONT_SIZE : 9,
    formatter: (i: string) => names[Number(i)]!,
  });
  const margin = 40 + Math.max(...names.map((name) => name.length)) * 7;
  const size = classes.length * cell;
  const option: ChartOption = {
    grid: { left: margin, top: 4, width: size, height: size },
    xAxis: { ...axis(columns, margin - 24), axisLabel: label(names.some((name) => name.length > 3) ? 90 : 0) },
    yAxis: { ...axis(rows, margin - 24), inverse: true, axisLabel: label(0) },
    // the library asks for a mapping to colors, which the cells' own colors replace
    visualMap: { show: false, min: 0, max: 1, dimension: 2 },
    series: [{
      type: 'heatmap',
      data: cells.map(({ i, j, count, share }) => ({
        value: [j, i, share],
        itemStyle: { color: tones[i === j ? 'plain' : 'bad'], opacity: 0.12 + 0.88 * share },
        label: {
          show: hasNumbers,
          formatter: String(count),
          color: share > DARK_CELL ? 'var(--paper)' : ink,
          opacity: 1,
        },
      })),
    }],
  };
  const hints = cells.map(({ i, j, count, share }) =>
    `${classes[i]!} answered with ${classes[j]!}: ${count} (${digits(100 * share)} %)`
  );
  return draw({ title, width: margin + size + 16, height: margin + size + 8, option, hints: [hints] });
}

function valueAxis({ name, min, max, log, format = tickText }: Axis) {
  return {
    type: log ? ('log' as const) : ('value' as const),
    ...(name !== undefined && { name, nameLocation: 'middle' as const, nameGap: 28 }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    scale: true,
    nameTextStyle: { color: muted },
    axisLine: { show: false },
    axisLabel: { color: muted, formatter: format, hideOverlap: true },
    splitLine: { lineStyle: { color: rule } },
  };
}

/** Room beyond the first and last point, where the axis has no given end. */
function roomFor({ min, max }: Axis) {
  return { boundaryGap: [min === undefined ? '4%' : 0, max === undefined ? '4%' : 0] as [string | 0, string | 0] };
}

/** A number on an axis, without the noise of binary fractions. */
function tickText(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** Vertical lines with their names at one end. */
function limitLine(limits: readonly { value: number; name: string }[], position: 'start' | 'end') {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: 'var(--bad)', type: 'dashed' as const },
    label: { color: muted, position, formatter: '{b}' },
    data: limits.map(({ value, name }) => ({ xAxis: value, name })),
  };
}
