/**
 * Distorts digits the way other hands, mice or fingers draw them: first the geometry (affine and
 * elastic in one bilinear resampling), then stroke thickness, ink and noise.
 */
import { between, normal } from '../../training/random.mjs';
import { PIXELS, SIDE } from './data.mjs';

const GRID = 5; // control points of the elastic field along each side
const CENTRE = (SIDE - 1) / 2;

/**
 * @param source f32 [28][28]
 * @param target f32 [28][28], overwritten
 * @param strength from 0 (unchanged) to 1 (full distortion)
 */
export function distort(source, target, random, strength = 1) {
  resample(source, target, random, strength);
  if (random() < 0.4) changeThickness(target, between(random, -0.6, 0.9) * strength);
  if (random() < 0.5) changeInk(target, 1 + between(random, -0.3, 0.8) * strength);
  if (random() < 0.3) addNoise(target, between(random, 0, 0.08) * strength, random);
}

function resample(source, target, random, strength) {
  const angle = between(random, -0.24, 0.24) * strength; // radians: about 14 degrees
  const shear = between(random, -0.2, 0.2) * strength;
  const scaleX = 1 + between(random, -0.18, 0.18) * strength;
  const scaleY = 1 + between(random, -0.18, 0.18) * strength;
  const shiftX = between(random, -2.6, 2.6) * strength;
  const shiftY = between(random, -2.6, 2.6) * strength;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const dx = elasticField(random, 0.9 * strength);
  const dy = elasticField(random, 0.9 * strength);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const u = (x - CENTRE - shiftX) / scaleX;
      const v = (y - CENTRE - shiftY) / scaleY;
      const sheared = u + shear * v;
      const fromX = cos * sheared - sin * v + CENTRE +
        bilinear(dx, GRID, (x * (GRID - 1)) / (SIDE - 1), (y * (GRID - 1)) / (SIDE - 1));
      const fromY = sin * sheared + cos * v + CENTRE +
        bilinear(dy, GRID, (x * (GRID - 1)) / (SIDE - 1), (y * (GRID - 1)) / (SIDE - 1));
      target[y * SIDE + x] = bilinear(source, SIDE, fromX, fromY);
    }
  }
}

/** Random displacements at the control points, in pixels. */
function elasticField(random, sigma) {
  return Float32Array.from({ length: GRID * GRID }, () => sigma * normal(random));
}

/** Interpolates a square image; pixels outside it are zero. */
function bilinear(image, side, x, y) {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const at = (px, py) => (px < 0 || py < 0 || px >= side || py >= side ? 0 : image[py * side + px]);
  const top = at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx;
  const bottom = at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx;
  return top * (1 - fy) + bottom * fy;
}

const before = new Float32Array(PIXELS);

/**
 * Blends each pixel with the largest (amount > 0, thicker stroke) or smallest (amount < 0, thinner)
 * value among itself and its four neighbors.
 */
function changeThickness(image, amount) {
  before.set(image);
  const pick = amount > 0 ? Math.max : Math.min;
  const mix = Math.abs(amount);
  for (let y = 1; y < SIDE - 1; y++) {
    for (let x = 1; x < SIDE - 1; x++) {
      const i = y * SIDE + x;
      const extreme = pick(before[i], before[i - 1], before[i + 1], before[i - SIDE], before[i + SIDE]);
      image[i] = before[i] + mix * (extreme - before[i]);
    }
  }
}

function changeInk(image, gain) {
  for (let i = 0; i < PIXELS; i++) image[i] = Math.min(1, image[i] * gain);
}

function addNoise(image, sigma, random) {
  for (let i = 0; i < PIXELS; i++) {
    image[i] = Math.min(1, Math.max(0, image[i] + sigma * 3.46 * (random() - 0.5))); // 3.46 = sqrt(12)
  }
}
