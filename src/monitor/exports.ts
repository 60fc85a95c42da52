import { checkSnapshot } from './check';
import type { Snapshot } from '../format/snapshot';
import { durationBin, SCALE, sorted } from './counts';
import { report } from './report';

/** A number with its attributes. */
type Point = [value: number, attributes: Record<string, string>];

/** The buckets of Prometheus end at these powers of 2 milliseconds: 2^−6 = 16 µs to 2^14 = 16 s. */
const BUCKET_ENDS = Array.from({ length: 21 }, (_, i) => i - 6);

/** Gauges that both formats have: name, and a point for each input. */
function gauges(snapshot: Snapshot): [name: string, points: Point[]][] {
  const inputs = Object.entries(report(snapshot).inputs);
  return (['mean', 'std', 'min', 'max', 'outside'] as const).map((
    figure,
  ) => [`input_${figure}`, inputs.map(([input, figures]) => [figures[figure] ?? NaN, { input }])]);
}

function classPoints({ classes }: Snapshot, labels: readonly string[]): Point[] {
  return sorted(classes).map(([index, n]) => [n, { class: labels[index] ?? String(index) }]);
}

/**
 * A snapshot in the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). The buckets are the same in every
 * snapshot, because Prometheus adds those of several devices. They end at powers of 2 milliseconds,
 * where the counts are exact.
 *
 * @param labels names of the classes
 */
export function toPrometheus(snapshot: Snapshot, labels: readonly string[] = []): string {
  checkSnapshot(snapshot, 'what is exported');
  const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const lines: string[] = [];
  const metric = (name: string, type: string, points: Point[], suffix = ''): void => {
    if (suffix === '') lines.push(`# TYPE kinglet_${name} ${type}`);
    for (const [value, attributes] of points) {
      const pairs = Object.entries(attributes).map(([key, text]) => `${key}="${escape(text)}"`).join(',');
      lines.push(`kinglet_${name}${suffix}${pairs && `{${pairs}}`} ${value}`);
    }
  };
  const bins = sorted(snapshot.latency);
  lines.push('# TYPE kinglet_latency_seconds histogram');
  const upTo = (end: number): number =>
    bins.reduce((sum, [bin, n]) => (bin <= durationBin(2 ** end) ? sum + n : sum), 0);
  metric('latency_seconds', 'histogram', [
    ...BUCKET_ENDS.map((end): Point => [upTo(end), { le: String(2 ** end / 1000) }]),
    [snapshot.predictions, { le: '+Inf' }],
  ], '_bucket');
  metric('latency_seconds', 'histogram', [[snapshot.milliseconds / 1000, {}]], '_sum');
  metric('latency_seconds', 'histogram', [[snapshot.predictions, {}]], '_count');
  metric('predictions_total', 'counter', classPoints(snapshot, labels));
  for (const [name, points] of gauges(snapshot)) metric(name, 'gauge', points);
  return `${lines.join('\n')}\n`;
}

/** A metric of OTLP, as JSON. */
export type OtlpMetrics = Record<string, unknown>;

export interface OtlpOptions {
  /** Names of the classes. */
  labels?: readonly string[];
  /** Attributes of the resource, such as `service.name` or a device. */
  resource?: Record<string, string>;
  /** Milliseconds since 1970 of the first prediction and of now (default: now, both). */
  start?: number;
  now?: number;
}

/**
 * A snapshot as the JSON of an ExportMetricsServiceRequest of OpenTelemetry (OTLP 1,
 * https://opentelemetry.io/docs/specs/otlp/), to be sent to `/v1/metrics`. 64-bit integers are
 * strings there.
 */
export function toOtlp(snapshot: Snapshot, options: OtlpOptions = {}): OtlpMetrics {
  checkSnapshot(snapshot, 'what is exported');
  const { labels = [], resource = {}, now = Date.now(), start = now } = options;
  const attributesOf = (attributes: Record<string, string>): unknown[] =>
    Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
  const times = { startTimeUnixNano: `${Math.round(start)}000000`, timeUnixNano: `${Math.round(now)}000000` };
  const points = (list: Point[], kind: 'asInt' | 'asDouble'): unknown[] =>
    list.filter(([value]) => Number.isFinite(value)).map(([value, attributes]) => ({
      ...times,
      attributes: attributesOf(attributes),
      [kind]: kind === 'asInt' ? String(value) : value,
    }));
  const bins = sorted(snapshot.latency);
  const offset = bins[0]?.[0] ?? 0;
  const last = bins[bins.length - 1]?.[0] ?? offset - 1;
  const latency = {
    ...times,
    count: String(snapshot.predictions),
    sum: snapshot.milliseconds,
    scale: SCALE,
    zeroCount: '0',
    positive: {
      offset,
      bucketCounts: Array.from({ length: last - offset + 1 }, (_, i) => String(snapshot.latency[offset + i] ?? 0)),
    },
  };
  const cumulative = 2;
  const metrics = [{
    name: 'kinglet.latency',
    unit: 'ms',
    exponentialHistogram: { aggregationTemporality: cumulative, dataPoints: [latency] },
  }, {
    name: 'kinglet.predictions',
    unit: '{prediction}',
    sum: {
      aggregationTemporality: cumulative,
      isMonotonic: true,
      dataPoints: points(classPoints(snapshot, labels), 'asInt'),
    },
  },
    ...gauges(snapshot).map(([name, list]) => ({
      name: `kinglet.${name.replace('_', '.')}`,
      unit: '1',
      gauge: { dataPoints: points(list, 'asDouble') },
    }))];
  return {
    resourceMetrics: [{
      resource: { attributes: attributesOf(resource) },
      scopeMetrics: [{ scope: { name: 'kinglet' }, metrics }],
    }],
  };
}
