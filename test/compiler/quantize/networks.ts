import type { GraphBuilder, Tensor } from '../../../src/compiler/index';
import { Random } from '../../helpers/random';

/** A normally distributed number. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** Makes constants of layers whose output channels have scales that differ by e^±spread. */
export class ConstantMaker {
  private readonly random: Random;

  constructor(private readonly builder: GraphBuilder, seed: number, private readonly spread: number) {
    this.random = new Random(seed);
  }

  /** @param axis of the output channels */
  weights(shape: number[], axis: number): Tensor {
    const channels = shape[axis]!;
    const count = shape.reduce((p, q) => p * q, 1);
    const scales = Array.from({ length: channels }, () => Math.exp(this.spread * normal(this.random)));
    const inner = shape.slice(axis + 1).reduce((p, q) => p * q, 1);
    const data = Float32Array.from(
      { length: count },
      (_, i) => scales[Math.floor(i / inner) % channels]! * normal(this.random) / Math.sqrt(count / channels),
    );
    return this.builder.constant(data, shape);
  }

  bias(size: number): Tensor {
    return this.builder.constant(Float32Array.from({ length: size }, () => 0.3 * normal(this.random)), [size]);
  }
}

/** Images of 10 × 10 × 3 numbers, whose pixels are correlated as those of photographs are. */
export function smoothImages(seed: number, count: number): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const waves = Array.from({ length: 4 }, () => [normal(random), normal(random), normal(random), normal(random)]);
    return Float32Array.from({ length: 300 }, (_, i) => {
      const [y, x, c] = [Math.floor(i / 30), Math.floor(i / 3) % 10, i % 3];
      return waves.reduce((sum, [a, fy, fx, phase]) => sum + a! * Math.sin(fy! * y + fx! * x + phase! * c), 0);
    });
  });
}
