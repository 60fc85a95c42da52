import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placementOf, toImageX, toImageY } from '../../src/tasks/placement';

const side = fc.integer({ min: 1, max: 3000 });
const input = fc.integer({ min: 1, max: 640 });

describe('a placement', () => {
  it('of letterbox is that of Ultralytics', () => {
    expect(placementOf(1280, 720, 640, 640, { fit: 'letterbox' })).toMatchObject({
      scaledWidth: 640,
      scaledHeight: 360,
      left: 0,
      top: 140,
    });
    // 640 − 427 = 213: 106 above, 107 below
    expect(placementOf(1500, 1000, 640, 640, { fit: 'letterbox' })).toMatchObject({ scaledHeight: 427, top: 106 });
  });

  it('of crop is that of torchvision: the shorter side to 256, then the middle 224', () => {
    expect(placementOf(500, 375, 224, 224, { fit: 'crop', crop: 224 / 256 })).toMatchObject({
      scaledWidth: 341,
      scaledHeight: 256,
      left: -58,
      top: -16,
    });
    expect(placementOf(375, 500, 224, 224, { fit: 'crop' })).toMatchObject({
      scaledWidth: 224,
      scaledHeight: 298,
      left: 0,
      top: -37,
    });
  });

  it('of letterbox has the whole image inside, and touches two borders', () => {
    fc.assert(fc.property(side, side, input, input, (width, height, inputWidth, inputHeight) => {
      const place = placementOf(width, height, inputWidth, inputHeight, { fit: 'letterbox' });
      const { left, top, scaledWidth, scaledHeight } = place;
      expect(Math.min(left, top)).toBe(0);
      expect(left + scaledWidth).toBeLessThanOrEqual(inputWidth);
      expect(top + scaledHeight).toBeLessThanOrEqual(inputHeight);
      expect(scaledWidth === inputWidth || scaledHeight === inputHeight).toBe(true);
      // borders of both sides differ by a pixel at most
      expect(Math.abs(inputWidth - scaledWidth - 2 * left)).toBeLessThanOrEqual(1);
    }));
  });

  it('of crop fills the input', () => {
    fc.assert(fc.property(
      side,
      side,
      input,
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      (width, height, size, crop) => {
        const { left, top, scaledWidth, scaledHeight } = placementOf(width, height, size, size, { fit: 'crop', crop });
        expect(Math.max(left, top)).toBeLessThanOrEqual(0);
        expect(Math.min(left + scaledWidth, top + scaledHeight)).toBeGreaterThanOrEqual(size);
      },
    ));
  });

  it('is undone for points', () => {
    const fit = fc.constantFrom('stretch', 'letterbox', 'crop' as const);
    fc.assert(fc.property(side, side, input, input, fit, (width, height, inputWidth, inputHeight, way) => {
      const place = placementOf(width, height, inputWidth, inputHeight, { fit: way });
      const [x, y] = [width * 0.3, height * 0.8];
      const inputX = x * place.scaledWidth / width + place.left;
      const inputY = y * place.scaledHeight / height + place.top;
      expect(toImageX(place, inputX)).toBeCloseTo(x, 6);
      expect(toImageY(place, inputY)).toBeCloseTo(y, 6);
    }));
  });
});
