import type { Graph } from '../../graph/graph';
import type { Emitter } from '../../ops/emitter';
import type { EmittedNodes, Strips } from '../emitGraph';
import { baselineOf, type Baseline } from './baseline';
import { estimate, type Estimate } from './estimate';
import { rehearse } from './rehearse';
import { rowGraphOf, rowsOf, type RowGraph } from './rowGraph';
import { scheduleOf, type Segment } from './schedule';

// Which consecutive nodes run in strips, and how high the strips are. The search compares estimates
// of the bytes in use and of the time that strips cost. The memory plan then gives the exact bytes.

/** Strips that the output of a segment is cut into. */
const COUNTS = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 112];
/** Most nodes of a segment. */
const MAX_NODES = 20;

/** Most nodes of a network that has strips, which bounds the time of the search. */
const MAX_NETWORK = 1000;
/** Limits of the bytes in use for which the fastest segments are planned. */
const LIMITS = 14;
const ALIGNMENT = 16;
/** Segments that contain no node with at least this part of the most bytes in use are not tried. */
const SMALL_PART = 1 / 8;

type Candidate = Segment & Estimate;

/** Segments for the whole graph. */
interface Choice {
  segments: Segment[];
  /** What the strips cost in time, relative to the network. */
  extra: number;
}

/** A choice with the bytes of its arena and plan. */
interface PlannedChoice extends Choice {
  bytes: number;
}

/** Finds the strips of a graph that were emitted without strips. */
export class StripSearch {
  private readonly rows: RowGraph;
  private readonly baseline: Baseline;
  /** By their first nodes. */
  private readonly candidates: Candidate[][];
  private planned: PlannedChoice[] | undefined;

  constructor(private readonly graph: Graph, emit: Emitter, emitted: readonly EmittedNodes[]) {
    this.rows = rowGraphOf(graph);
    this.baseline = baselineOf(graph, emit, emitted);
    this.candidates = this.findCandidates();
  }

  /** The strips with the smallest arena and plan that cost at most this part of the time. */
  smallest(extra: number): Strips | undefined {
    return this.best((choice) => choice.extra <= extra, (choice) => choice.bytes);
  }

  /** The strips that cost the least time, with arena and plan within a limit in bytes. */
  fastest(bytes: number): Strips | undefined {
    return this.best((choice) => choice.bytes <= bytes, (choice) => choice.extra);
  }

  private best(
    isAllowed: (choice: PlannedChoice) => boolean,
    cost: (choice: PlannedChoice) => number,
  ): Strips | undefined {
    this.planned ??= this.choices().map((choice) => ({
      ...choice,
      bytes: rehearse(this.graph, { ...choice, rows: this.rows }, this.baseline),
    }));
    const allowed = this.planned.filter(isAllowed);
    if (allowed.length === 0) return undefined;
    const { segments } = allowed.reduce((a, b) => (cost(b) < cost(a) ? b : a));
    return segments.length > 0 ? { rows: this.rows, segments } : undefined;
  }

  /** Different choices, from the one with the most bytes in use to the one with the fewest. */
  private choices(): Choice[] {
    const most = Math.max(...this.baseline.inUse);
    let low = 0;
    let high = most;
    while (high > low + ALIGNMENT) {
      const middle = (low + high) >> 1;
      if (this.choose(middle, false)) high = middle;
      else low = middle;
    }
    const choices = new Map<string, Choice>();
    for (let i = 0; i < LIMITS; i++) {
      const limit = Math.ceil(most * (high / most) ** (i / (LIMITS - 1)));
      for (const addsLeads of [false, true]) {
        const choice = this.choose(limit, addsLeads);
        if (choice) choices.set(choice.segments.map(({ from, to, height }) => [from, to, height]).join(), choice);
      }
    }
    return [...choices.values()];
  }

  /**
   * The segments with the least cost with which no more than `limit` bytes are in use, by dynamic
   * programming over the nodes. Undefined if there are none.
   */
  private choose(limit: number, addsLeads: boolean): Choice | undefined {
    const count = this.graph.nodes.length;
    const costs = new Array<number>(count + 1).fill(Infinity);
    const leads = new Array<number>(count + 1).fill(0);
    const choices = new Array<Candidate | undefined>(count + 1);
    costs[count] = 0;
    for (let n = count - 1; n >= 0; n--) {
      if (this.baseline.inUse[n]! <= limit) costs[n] = costs[n + 1]!;
      for (const candidate of this.candidates[n]!) {
        const cost = candidate.extra + costs[candidate.to]!;
        if (cost >= costs[n]! || candidate.bytes + leads[candidate.to]! > limit) continue;
        [costs[n], choices[n]] = [cost, candidate];
        if (addsLeads) leads[n] = candidate.lead + leads[candidate.to]!;
      }
    }
    if (costs[0] === Infinity) return undefined;
    const segments: Segment[] = [];
    for (let n = 0; n < count;) {
      const choice = choices[n];
      if (choice) segments.push(choice);
      n = choice?.to ?? n + 1;
    }
    return { segments, extra: costs[0]! / this.baseline.time.reduce((sum, time) => sum + time, 0) };
  }

  private findCandidates(): Candidate[][] {
    const { nodes } = this.rows;
    const least = SMALL_PART * Math.max(...this.baseline.inUse);
    return nodes.map((_, from) => {
      const found: Candidate[] = [];
      if (nodes.length > MAX_NETWORK) return found;
      let most = 0;
      for (let to = from + 1; to <= Math.min(nodes.length, from + MAX_NODES) && nodes[to - 1]; to++) {
        most = Math.max(most, this.baseline.inUse[to - 1]!);
        if (most >= least) found.push(...this.candidatesOf(from, to));
      }
      return found;
    });
  }

  private candidatesOf(from: number, to: number): Candidate[] {
    const { rows, baseline } = this;
    const height = rowsOf(rows.nodes[to - 1]!.output);
    const heights = new Set(COUNTS.map((strips) => Math.ceil(height / strips)).filter((own) => own < height));
    const lives = baseline.lives.filter(({ first, last }) => first < to && last >= from);
    return [...heights].flatMap((own) => {
      const segment = { from, to, height: own };
      const schedule = scheduleOf(rows, segment);
      return schedule ? [{ ...segment, ...estimate(rows, segment, schedule, baseline, lives) }] : [];
    });
  }
}
