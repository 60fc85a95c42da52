/**
 * A simulator of a wrist-worn accelerometer. It is not recorded data: README.md says what it models
 * and what that means.
 *
 * Body frame: X forward, Y to the left, Z up, in metres. Device frame: x along the forearm to the
 * hand, y across it to the left if the face looks up, z out of the face. At rest with the face up
 * the sensor reads (0, 0, 1) g.
 *
 * A motion is a function of time that adds to the hand's position, to the forearm's angles and to
 * what hits the device:
 *
 *     { position?: (t) → [X, Y, Z] m,
 *       angles?: (t) → [yaw, pitch, roll] rad,
 *       impact?: (t) → [x, y, z] g,
 *       at?: s, the middle of a motion that has an end }
 */
import { normal } from '../../training/random.mjs';

/** Samples per second. */
export const RATE = 50;
/** Counts per g: 12 bits over ±4 g. */
export const COUNTS = 512;
/** Counts per step of the network's input: 8 bits over ±4 g, so a step is 1/32 g. */
export const COUNTS_PER_STEP = 16;

const OVERSAMPLING = 4; // the sensor's filter averages this many values a sample
const GRAVITY = 9.81; // m/s²
const LONGEST = 6; // s, more than a gesture takes with all that belongs to it
const STEP = 1 / (RATE * OVERSAMPLING); // s

/** A number from a normal distribution, at most 2.5 standard deviations away. */
export function around(random, mean, deviation) {
  return mean + deviation * Math.max(-2.5, Math.min(2.5, normal(random)));
}

/**
 * Errors of one device: offset, sensitivity and noise as data sheets of such sensors give them.
 *
 * @param spread factor of all deviations
 */
export function createSensor(random, spread = 1) {
  return {
    offset: [0, 1, 2].map(() => around(random, 0, 0.025 * spread)), // g
    sensitivity: [0, 1, 2].map(() => around(random, 1, 0.015 * spread)),
    noise: around(random, 0.004, 0.001 * spread), // g, standard deviation of a sample
    clock: around(random, 1, 0.02 * spread), // real samples per nominal sample
  };
}

/**
 * Records what the sensor measures.
 *
 * @param pose [yaw, pitch, roll] of the forearm before any motion, in rad
 * @param motions what happens, summed
 * @param from time of the first sample, in s
 * @returns counts of 12 bits, i16 [count][3]
 */
export function record({ sensor, pose, motions, from, count, random }) {
  const counts = new Int16Array(count * 3);
  const step = STEP / sensor.clock;
  let active;
  for (let i = 0; i < count; i++) {
    const mean = [0, 0, 0];
    if (i % RATE === 0) active = activeAt(pose, motions, from + i * OVERSAMPLING * step);
    for (let j = 0; j < OVERSAMPLING; j++) {
      const force = forceAt(active.pose, active.motions, from + (i * OVERSAMPLING + j) * step);
      for (let axis = 0; axis < 3; axis++) mean[axis] += force[axis] / OVERSAMPLING;
    }
    for (let axis = 0; axis < 3; axis++) {
      const g = mean[axis] * sensor.sensitivity[axis] + sensor.offset[axis] + sensor.noise * normal(random);
      counts[i * 3 + axis] = Math.max(-2048, Math.min(2047, Math.round(g * COUNTS)));
    }
  }
  return counts;
}

/** Counts as inputs of the network: the upper 8 of 12 bits. */
export function toInput(counts) {
  return Int8Array.from(counts, (value) => value >> 4);
}

/**
 * What moves in the second after t: the motions that have an end some seconds from their `at` are
 * left out before and after, and the pose has the angles at which they stay. Long recordings have
 * many motions.
 */
function activeAt(pose, motions, t) {
  const isActive = ({ at }) => at === undefined || Math.abs(t - at) < LONGEST;
  const resting = motions.filter((motion) => !isActive(motion) && motion.angles);
  return {
    motions: motions.filter(isActive),
    pose: resting.reduce((sum, { angles }) => angles(t).map((angle, i) => sum[i] + angle), pose),
  };
}

/** What the sensor feels at time t, in g: acceleration less gravity, and impacts. */
function forceAt(pose, motions, t) {
  const force = [0, 0, 1];
  const impact = [0, 0, 0];
  const angles = [...pose];
  for (const motion of motions) {
    if (motion.position) {
      const [before, now, after] = [-STEP, 0, STEP].map((dt) => motion.position(t + dt));
      force.forEach((_, axis) => {
        force[axis] += (before[axis] - 2 * now[axis] + after[axis]) / (STEP * STEP * GRAVITY);
      });
    }
    if (motion.angles) motion.angles(t).forEach((angle, i) => angles[i] += angle);
    if (motion.impact) motion.impact(t).forEach((g, axis) => impact[axis] += g);
  }
  return toDevice(force, angles).map((g, axis) => g + impact[axis]);
}

/**
 * A vector of the body frame in the device frame. Positive pitch raises the hand, positive roll the
 * left edge.
 */
function toDevice([x, y, z], [yaw, pitch, roll]) {
  const [forward, left] = turn(x, y, yaw);
  const [along, up] = turn(forward, z, pitch);
  const [across, out] = turn(left, up, roll);
  return [along, across, out];
}

function turn(a, b, angle) {
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  return [a * cosine + b * sine, b * cosine - a * sine];
}
