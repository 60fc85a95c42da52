import type { Mapping, Mappings } from '../operator';

function resizeTo(mode: 'nearest' | 'bilinear'): Mapping {
  return (operator) => {
    const { emit, attributes } = operator;
    const x = operator.input(0);
    const sizes = operator.integers(1, 'sizes');
    operator.check(
      x.shape.length === 4 && sizes.length === 2 && sizes.every((size) => size > 0),
      `sizes [${sizes.join(', ')}] of an input with ${x.shape.length} dimensions`,
    );
    const shape = [x.shape[0]!, sizes[0]!, sizes[1]!, x.shape[3]!];
    return emit.node('resize2d', [emit.cast(x, 'float32')], {
      mode,
      alignCorners: attributes.bool('align_corners'),
      halfPixelCenters: attributes.bool('half_pixel_centers'),
    }, { shape });
  };
}

export const resize: Mappings = { ResizeBilinear: resizeTo('bilinear'), ResizeNearestNeighbor: resizeTo('nearest') };
