/**
 * The motions of a hand: six gestures and what hands do otherwise. A person performs a gesture in
 * an own way, and a bit differently each time. Times are in s, distances in m, angles in rad.
 */
import { between } from '../../training/random.mjs';
import { around } from './simulator.mjs';

const DEGREE = Math.PI / 180;

/** How one person wears the device and moves. `spread` is a factor of all deviations. */
export function createPerson(random, spread = 1) {
  const own = (mean, deviation) => around(random, mean, deviation * spread);
  const side = () => (random() < 0.5 ? -1 : 1);
  return {
    pose: [own(0, 10), own(5, 12), own(0, 15)].map((angle) => angle * DEGREE),
    tempo: Math.exp(own(0, 0.15)), // factor of all durations
    size: Math.exp(own(0, 0.18)), // factor of all distances and angles
    arm: own(0.34, 0.05), // from the pivot of a swipe to the device
    rollOfSwipe: own(0.25, 0.25), // roll per yaw
    windup: random() < 0.3 ? between(random, 0.1, 0.3) : 0, // share of a swipe that goes backward first
    circleTilt: own(0, 20) * DEGREE, // of its plane, about the vertical axis
    circleSide: side(),
    twistSide: side(),
    shakeRate: own(4.2, 0.6),
    shakeAxis: [own(0.15, 0.2), 1, own(0.1, 0.35)],
    tapStrength: Math.exp(own(0, 0.3)),
    tapAxis: [own(0, 0.2), own(0, 0.2), -1],
    tapRing: own(17, 3), // Hz
  };
}

/** A pose of the forearm of a person who sits or stands, with this trial's own deviation. */
export function posture(person, random) {
  return person.pose.map((angle, i) => angle + around(random, 0, [4, 8, 10][i]) * DEGREE);
}

/**
 * The position on a path from 0 to 1 at the share τ of its time, with the least jerk (Flash and
 * Hogan, 1985).
 */
function path(τ) {
  const share = Math.max(0, Math.min(1, τ));
  return share ** 3 * (10 - 15 * share + 6 * share * share);
}

/** A path from 0 to 1 with an even speed, except in the share `ramp` of its time at each end. */
function evenPath(τ, ramp) {
  const rise = (x) => (x < 1 ? x ** 3 - x ** 4 / 2 : x - 0.5);
  return (rise(Math.max(0, τ / ramp)) - rise(Math.max(0, (τ - 1) / ramp + 1))) * ramp / (1 - ramp);
}

/** Each gesture as (person, random) → { motion, length }; t = 0 is in the middle of the motion. */
export const gestures = {
  'swipe-left': (person, random) => swipe(person, random, 1),
  'swipe-right': (person, random) => swipe(person, random, -1),
  circle,
  shake,
  twist,
  'double-tap': doubleTap,
};

/** The forearm swings about a vertical axis, and returns slowly. */
function swipe(person, random, side) {
  const { tempo, size, arm, rollOfSwipe, windup } = person;
  const length = between(random, 0.3, 0.5) * tempo;
  const angle = side * between(random, 40, 65) * DEGREE * size;
  const pause = between(random, 0.1, 0.5);
  const back = length * between(random, 1.6, 3);
  const ready = length * 0.6; // the time of the windup
  const from = -length / 2;
  const skew = between(random, 0.8, 1.2); // above 1 the speed is highest in the second half
  const yaw = (t) =>
    angle *
    ((1 + windup) * path(Math.max(0, (t - from) / length) ** skew) - windup * path((t - from + ready) / ready) -
      path((t - from - length - pause) / back));
  const start = -angle * between(random, 0.3, 0.6);
  return {
    length,
    motion: {
      position: (t) => [arm * Math.cos(start + yaw(t)), arm * Math.sin(start + yaw(t)), 0],
      angles: (t) => [yaw(t), 0, rollOfSwipe * yaw(t)],
    },
  };
}

/** One to two turns in an upright plane. */
function circle(person, random) {
  const { tempo, size, circleTilt, circleSide } = person;
  const turns = between(random, 1, 2);
  const length = turns * between(random, 0.55, 0.85) * tempo;
  const radius = between(random, 0.09, 0.16) * size;
  const start = between(random, 0, 2 * Math.PI);
  const narrow = between(random, 0.75, 1);
  const ramp = between(random, 0.15, 0.4);
  const phase = (t) => start + circleSide * 2 * Math.PI * turns * evenPath(t / length + 0.5, ramp);
  const wobble = around(random, 0, 0.25);
  return {
    length,
    motion: {
      position: (t) => {
        const across = radius * Math.cos(phase(t));
        return [across * Math.sin(circleTilt), across * Math.cos(circleTilt), radius * narrow * Math.sin(phase(t))];
      },
      angles: (t) => [0.5 * Math.cos(phase(t)) * radius / 0.3, 0, wobble * Math.cos(phase(t))],
    },
  };
}

/** Fast back and forth. */
function shake(person, random) {
  const { size, shakeAxis, shakeRate } = person;
  const length = between(random, 0.8, 1.6);
  const rate = shakeRate * between(random, 0.85, 1.15);
  const reach = between(random, 0.02, 0.045) * size;
  const roll = around(random, 0.2, 0.12);
  const start = between(random, 0, 2 * Math.PI);
  const swing = (t) => {
    const envelope = path((t + length / 2) / 0.2) - path((t - length / 2 + 0.2) / 0.2);
    return envelope * Math.sin(start + 2 * Math.PI * rate * t);
  };
  return {
    length,
    motion: {
      position: (t) => shakeAxis.map((share) => share * reach * swing(t)),
      angles: (t) => [0, 0, roll * swing(t)],
    },
  };
}

/** The forearm rolls to one side and back, as to turn a key. */
function twist(person, random) {
  const { tempo, size, twistSide } = person;
  const there = between(random, 0.22, 0.4) * tempo;
  const pause = between(random, 0, 0.15);
  const back = there * between(random, 0.9, 1.4);
  const length = there + pause + back;
  const angle = twistSide * between(random, 55, 90) * DEGREE * size;
  const lift = around(random, 0, 0.15);
  const share = (t) => path((t + length / 2) / there) - path((t + length / 2 - there - pause) / back);
  return { length, motion: { angles: (t) => [0, lift * share(t), angle * share(t)] } };
}

/** Two taps of a finger on the device. */
function doubleTap(person, random) {
  const apart = between(random, 0.17, 0.32) * person.tempo;
  const first = tap(person, random, -apart / 2, between(random, 0.8, 2));
  const second = tap(person, random, apart / 2, between(random, 0.8, 2));
  return { length: apart + 0.15, motion: { impact: (t) => sum(first(t), second(t)) } };
}

/** A blow of some g, after which the device swings on the skin. */
function tap({ tapAxis, tapRing, tapStrength }, random, at, strength) {
  const decay = between(random, 0.025, 0.045);
  const axis = tapAxis.map((share) => (share + around(random, 0, 0.1)) * strength * tapStrength);
  return (t) => {
    const since = t - at;
    if (since < 0 || since > 8 * decay) return [0, 0, 0];
    const swing = Math.exp(-since / decay) * Math.cos(2 * Math.PI * tapRing * since);
    return axis.map((g) => g * swing);
  };
}

/**
 * What hands do otherwise, as (person, random) → { pose, motions }. They go on for as long as
 * wanted.
 */
export const everyday = { rest, walk, reaches, look, bumps, ride };

/** Anything between lying on a table and hanging down. */
function anywhere(random) {
  return [0, between(random, -80, 60) * DEGREE, between(random, -180, 180) * DEGREE];
}

function rest(person, random) {
  return { pose: random() < 0.5 ? anywhere(random) : posture(person, random), motions: [] };
}

/** Walking and running, with arms that swing or a hand that holds something. */
function walk(person, random) {
  const isRun = random() < 0.25;
  const isSwinging = random() < 0.7;
  const stride = (isRun ? between(random, 1.25, 1.5) : between(random, 0.75, 1.1)) / person.tempo; // per s
  const swing = isSwinging ? between(random, 8, 30) * DEGREE : between(random, 0, 4) * DEGREE;
  const bounce = isRun ? between(random, 0.03, 0.05) : between(random, 0.01, 0.03);
  const strike = isRun ? between(random, 0.3, 1.2) : between(random, 0.05, 0.35);
  const hanging = [0, between(random, -85, -55) * DEGREE, between(random, -40, 110) * DEGREE];
  const start = between(random, 0, 1);
  const reach = 0.6; // from the shoulder to the device
  const pitch = (t) => swing * Math.sin(2 * Math.PI * (stride * t + start));
  return {
    pose: isSwinging && !isRun ? hanging : posture(person, random),
    motions: [{
      position: (t) => [reach * Math.sin(pitch(t)), 0, bounce * Math.sin(4 * Math.PI * (stride * t + start))],
      angles: (t) => [0.3 * pitch(t), pitch(t), 0.2 * pitch(t)],
      impact: (t) => {
        const since = ((2 * (stride * t + start)) % 1 + 1) % 1 / (2 * stride);
        const g = strike * Math.exp(-since / 0.04) * Math.cos(2 * Math.PI * 9 * since);
        return [-g, 0.3 * g, 0.5 * g];
      },
    }],
  };
}

/** The hand goes to one place after another, slower than in a gesture. */
function reaches(person, random) {
  const motions = [];
  for (let at = between(random, -2.5, -1); at < 12; at += between(random, 0.5, 2)) {
    const length = between(random, 0.7, 1.6) * person.tempo;
    const distance = [0.3, 0.35, 0.25].map((most) => between(random, -most, most));
    const angles = [40, 40, 70].map((most) => between(random, -most, most) * DEGREE * 0.6);
    const from = at;
    motions.push({
      position: (t) => distance.map((d) => d * path((t - from) / length)),
      angles: (t) => angles.map((angle) => angle * path((t - from) / length)),
    });
  }
  return { pose: posture(person, random), motions };
}

/** From a hanging arm to a look at the device, and down again. */
function look(person, random) {
  const pose = [0, between(random, -85, -50) * DEGREE, between(random, 30, 100) * DEGREE];
  const length = between(random, 0.6, 1.2) * person.tempo;
  const from = between(random, -0.9, 0.3);
  const stays = between(random, 0.8, 4);
  const up = (t) => path((t - from) / length) - path((t - from - length - stays) / length);
  return {
    pose,
    motions: [{
      position: (t) => [0.25 * up(t), 0.1 * up(t), 0.35 * up(t)],
      angles: (t) => [30 * DEGREE * up(t), -pose[1] * up(t), -pose[2] * up(t)],
    }],
  };
}

/** A single hard bump, or the small ones of typing. */
function bumps(person, random) {
  const isTyping = random() < 0.6;
  const [shortest, longest] = isTyping ? [0.08, 0.5] : [1, 3];
  const blows = [];
  for (let at = between(random, -0.6, 0.2); at < 12; at += between(random, shortest, longest)) {
    const strength = isTyping ? between(random, 0.03, 0.3) : between(random, 0.5, 2.5);
    const axis = [0, 1, 2].map(() => between(random, -1, 1));
    blows.push([at, tap({ ...person, tapAxis: axis, tapStrength: 1 }, random, at, strength)]);
  }
  const impact = (t) =>
    blows.filter(([at]) => at <= t && t < at + 0.5).reduce((total, [, blow]) => sum(total, blow(t)), [0, 0, 0]);
  return { pose: random() < 0.3 ? anywhere(random) : posture(person, random), motions: [{ impact }] };
}

/** In a vehicle: a vibration of several frequencies. */
function ride(person, random) {
  const waves = Array.from(
    { length: 5 },
    () => ({
      rate: between(random, 2, 20),
      start: between(random, 0, 2 * Math.PI),
      axis: [0.5, 0.5, 1].map((most) => between(random, -most, most) * between(random, 0.01, 0.08)),
    }),
  );
  const impact = (t) =>
    waves.reduce(
      (total, { rate, start, axis }) => sum(total, axis.map((g) => g * Math.sin(2 * Math.PI * rate * t + start))),
      [0, 0, 0],
    );
  return { pose: posture(person, random), motions: [{ impact }] };
}

/** A hand is never still: tremor, sway and small movements, part of everything. */
export function unrest(random) {
  const waves = [[0.2, 0.7], [0.8, 2], [2, 4.5], [7, 11]].map(([slowest, fastest], i) => ({
    rate: between(random, slowest, fastest),
    start: between(random, 0, 2 * Math.PI),
    size: [0, 0.03, 0.05, 0.015][i] * random(), // g
    angle: [3, 2, 0.5, 0][i] * DEGREE * random(),
    axis: [0, 1, 2].map(() => between(random, -1, 1)),
  }));
  const total = (t, part) =>
    waves.reduce((values, wave) => {
      const swing = wave[part] * Math.sin(2 * Math.PI * wave.rate * t + wave.start);
      return sum(values, wave.axis.map((share) => share * swing));
    }, [0, 0, 0]);
  return { angles: (t) => total(t, 'angle'), impact: (t) => total(t, 'size') };
}

/** A motion that happens later by some seconds. */
export function later({ position, angles, impact }, seconds) {
  const shift = (of) => (t) => of(t - seconds);
  return {
    at: seconds,
    ...(position && { position: shift(position) }),
    ...(angles && { angles: shift(angles) }),
    ...(impact && { impact: shift(impact) }),
  };
}

function sum(a, b) {
  return a.map((value, i) => value + b[i]);
}
