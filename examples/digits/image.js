// Converts images of digits to the form of MNIST (yann.lecun.com/exdb/mnist): 28×28 pixels, light
// ink on black, the longer side 20 pixels, the centre of mass in the middle. Used in Node and in
// the page.

export const SIDE = 28;
const DIGIT = 20;

/** Ink below this share counts as paper: its grain, a shadow, the soft edge of a stroke. */
const PAPER = 0.25;

/**
 * Crops, scales and centres.
 *
 * @param {ArrayLike<number>} ink [height][width], 0..1
 * @returns {Float32Array} [28][28], 0..1; all 0 if there is no ink
 */
export function centreDigit(ink, width, height) {
  const out = new Float32Array(SIDE * SIDE);
  const box = boxOf(ink, width, height);
  if (!box) return out;
  const step = Math.max(box.right - box.left, box.bottom - box.top) / DIGIT; // source pixels per target pixel
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const left = box.x + (x - SIDE / 2) * step;
      const top = box.y + (y - SIDE / 2) * step;
      out[y * SIDE + x] = meanOf(ink, width, height, left, top, step);
    }
  }
  return out;
}

/**
 * The amount of ink at each pixel, which is the difference from the border's typical gray. Works
 * for dark ink on light paper and for light ink on dark paper.
 *
 * @param {{ width: number, height: number, data: ArrayLike<number> }} image RGBA bytes
 * @returns {Float32Array} [height][width], 0..1
 */
export function inkOf({ width, height, data }) {
  const gray = Float32Array.from(
    { length: width * height },
    (_, i) => 0.299 * data[i * 4] + 0.587 * data[i * 4 + 1] + 0.114 * data[i * 4 + 2],
  );
  const border = gray.filter((_, i) =>
    i < width || i >= width * (height - 1) || i % width === 0 || i % width === width - 1
  ).sort();
  const paper = border[border.length >> 1];
  const most = gray.reduce((max, value) => Math.max(max, Math.abs(value - paper)), 0) || 1;
  return gray.map((value) => {
    const share = Math.abs(value - paper) / most;
    return share < PAPER ? 0 : share;
  });
}

/** The rectangle that holds the ink, and the ink's centre of mass. */
function boxOf(ink, width, height) {
  let left = width;
  let top = height;
  let right = 0;
  let bottom = 0;
  let mass = 0;
  let sumX = 0;
  let sumY = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const amount = ink[y * width + x];
      if (amount < PAPER) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
      mass += amount;
      sumX += amount * (x + 0.5);
      sumY += amount * (y + 0.5);
    }
  }
  return mass > 0 ? { left, top, right, bottom, x: sumX / mass, y: sumY / mass } : undefined;
}

/** The mean over a square, which may cut pixels. There is no ink outside the image. */
function meanOf(ink, width, height, left, top, side) {
  const firstX = Math.max(0, Math.floor(left));
  const endX = Math.min(width, Math.ceil(left + side));
  const firstY = Math.max(0, Math.floor(top));
  const endY = Math.min(height, Math.ceil(top + side));
  let sum = 0;
  for (let y = firstY; y < endY; y++) {
    const tall = Math.min(y + 1, top + side) - Math.max(y, top);
    for (let x = firstX; x < endX; x++) {
      sum += ink[y * width + x] * tall * (Math.min(x + 1, left + side) - Math.max(x, left));
    }
  }
  return sum / (side * side);
}
