import { valueAt, type Grid } from '../decoding/outputs';
import type { Placement } from './placement';

// Values of a grid over the input, at the pixels of an image.

/** Pixels of an image. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** For pixels in a row or a column: the first of two cells, and how far the pixel is from it. */
interface Taps {
  first: Int32Array;
  part: Float32Array;
}

/** Cells of the pixels of one axis. Pixels outside the input take those at its edge. */
function taps(
  begin: number,
  count: number,
  size: number,
  scaled: number,
  offset: number,
  input: number,
  cells: number,
): Taps {
  const first = new Int32Array(count);
  const part = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const at = ((begin + i + 0.5) * scaled / size + offset) / input * cells - 0.5;
    const inside = Math.min(cells - 1, Math.max(0, at));
    first[i] = Math.min(Math.max(0, cells - 2), Math.floor(inside));
    part[i] = inside - first[i]!;
  }
  return { first, part };
}

/** A grid and the pixels that read it. */
export class Sampler {
  private readonly x: Taps;
  private readonly y: Taps;

  constructor(private readonly grid: Grid, place: Placement, readonly area: Area = wholeOf(place)) {
    const { width, height, scaledWidth, scaledHeight, left, top, inputWidth, inputHeight } = place;
    this.x = taps(area.left, area.width, width, scaledWidth, left, inputWidth, grid.width);
    this.y = taps(area.top, area.height, height, scaledHeight, top, inputHeight, grid.height);
  }

  /** Interpolates a channel at the pixels of a row. */
  interpolate(row: number, channel: number, out: Float32Array): void {
    const { x, y, grid } = this;
    const { data, rowStep, columnStep, width, height } = grid;
    const right = width > 1 ? rowStep : 0;
    const below = height > 1 ? width * rowStep : 0;
    const line = y.first[row]! * width * rowStep + channel * columnStep;
    const down = y.part[row]!;
    for (let i = 0; i < x.first.length; i++) {
      const at = line + x.first[i]! * rowStep;
      const across = x.part[i]!;
      const upper = data[at]! + across * (data[at + right]! - data[at]!);
      const lower = data[at + below]! + across * (data[at + below + right]! - data[at + below]!);
      out[i] = upper + down * (lower - upper);
    }
  }

  /** Reads the nearest cells at the pixels of a row. */
  nearest(row: number, out: Uint8Array): void {
    const { x, y, grid } = this;
    const line = Math.round(y.first[row]! + y.part[row]!) * grid.width;
    for (let i = 0; i < out.length; i++) out[i] = valueAt(grid, line + Math.round(x.first[i]! + x.part[i]!), 0);
  }

  /** The rows of cells, and those in a row, that the pixels read: first and end. */
  get cells(): { x: [number, number]; y: [number, number] } {
    const { x, y, grid } = this;
    const range = ({ first }: Taps, size: number): [number, number] =>
      first.length === 0 ? [0, 0] : [first[0]!, Math.min(size, first.at(-1) + 2)];
    return { x: range(x, grid.width), y: range(y, grid.height) };
  }
}

function wholeOf({ width, height }: Placement): Area {
  return { left: 0, top: 0, width, height };
}
