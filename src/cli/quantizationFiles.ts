import { compile, readKlet, type Comparison, type Graph, type QuantizationReport } from '../compiler/index';
import { loadSync, type ProfileEntry } from '../index';
import type { Compressed } from './compression';
import type { Job } from './conversion';
import { pathText, writeAtomically } from './files';
import { storedBytes } from './network';
import { randomInputs } from './tensors';
import { version } from './version';
import { jsonOf } from './text';

// The report of a quantization as a page and as JSON.

/** A conversion that quantized a network. */
export interface QuantizedConversion {
  job: Job;
  /** The float32 network. */
  imported: Graph;
  compressed: Compressed;
  klet: Uint8Array;
}

/** What a page or a program is told. */
export interface QuantizationSummary {
  network: string;
  source: string;
  sourceBytes: number;
  fileBytes: number;
  /** Samples that ranges and weights were fitted to, and samples that were compared. */
  fitted: number;
  compared: number;
  isHeldOut: boolean;
  comparison: Comparison;
  quantization: QuantizationReport;
  loss?: string;
}

/** An operator of the int8 file: weights, work and time, and the time that it took in float32. */
export interface LayerCost {
  name: string;
  op: string;
  macs: number;
  weightBytes: number;
  ms: number;
  /** Absent if the float32 network has no operator of this name. */
  floatMs?: number;
}

export function summaryOf({ job, imported, compressed, klet }: QuantizedConversion): QuantizationSummary {
  const { samples, comparison, quantization, loss } = compressed;
  return {
    network: imported.name,
    source: pathText(job.input, 'standard input'),
    sourceBytes: storedBytes(job.source, job.input),
    fileBytes: klet.length,
    fitted: samples!.fitting.length,
    compared: samples!.comparing.length,
    isHeldOut: samples!.isHeldOut,
    comparison: comparison!,
    quantization: quantization!,
    ...(loss !== undefined && { loss }),
  };
}

/** Writes the page of `--report`. */
export async function writeReport(file: string, conversion: QuantizedConversion): Promise<void> {
  const { quantizationPage, reportPage } = await import('./report/index');
  const before = profileOf(compile(conversion.imported));
  const after = profileOf(conversion.klet);
  const page = quantizationPage(summaryOf(conversion), {
    layers: costsOf(conversion.klet, before, after),
    floatMs: totalOf(before),
    ms: totalOf(after),
    made: `kinglet ${version}`,
  });
  writeAtomically(file, new TextEncoder().encode(reportPage(page)));
}

/** Milliseconds for which a profile runs, and the least and most runs. */
const PROFILE_MS = 400;
const MIN_RUNS = 5;
const MAX_RUNS = 200;

/** The time of each operator on random inputs. */
function profileOf(klet: Uint8Array): ProfileEntry[] {
  const model = loadSync(new Uint8Array(klet));
  try {
    const inputs = randomInputs(model.inputs, 1);
    model.predict(inputs);
    const start = performance.now();
    model.predict(inputs);
    const runs = Math.round(PROFILE_MS / (performance.now() - start));
    return model.profile({ inputs, runs: Math.max(MIN_RUNS, Math.min(MAX_RUNS, runs)) });
  } finally {
    model.dispose();
  }
}

function totalOf(profile: readonly ProfileEntry[]): number {
  return profile.reduce((sum, { ms }) => sum + ms, 0);
}

function costsOf(klet: Uint8Array, before: readonly ProfileEntry[], after: readonly ProfileEntry[]): LayerCost[] {
  const { debugInfo } = readKlet(klet);
  const floatMs = new Map(before.map(({ name, ms }) => [name, ms]));
  return after.map(({ name, op, ms }, i): LayerCost => {
    const { macs = 0, weights: weightBytes = 0 } = debugInfo?.records[i] ?? {};
    const earlier = name === '' ? undefined : floatMs.get(name);
    return { name, op, macs, weightBytes, ms, ...(earlier !== undefined && { floatMs: earlier }) };
  });
}

/** The result for programs. Infinite SQNRs, where there is no error, become null. */
export function jsonText(conversion: QuantizedConversion, isWritten: boolean): string {
  const { quantization: { graph: _, comparison: own, ...report }, ...summary } = summaryOf(conversion);
  const output = isWritten ? { output: pathText(conversion.job.output, 'standard output') } : {};
  const all = { written: isWritten, ...output, ...summary, ...report, quantizedOnly: own };
  return jsonOf(all);
}
