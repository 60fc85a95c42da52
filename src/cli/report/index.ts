// Pages with the results of a command. The charts bring a large library, so commands import this
// room only when a report is asked for: `await import('../report/index')`.
export { barChart, confusionMatrix, FULL, HALF, histogram, plot, type Axis, type Bar, type BarChartOptions,
  type ConfusionOptions, type HistogramOptions, type PlotOptions, type Point, type Series } from './charts';
export { html, type Content, type Markup } from './markup';
export { figure, reportPage, sideBySide, svgFile, type Report, type Section } from './page';
export { dataTable, type Cell, type DataColumn } from './table';
export type { Tone } from './draw';
export { quantizationPage } from './quantizationPage';
