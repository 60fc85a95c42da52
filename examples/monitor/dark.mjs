// Alarms when a camera goes dark: node examples/monitor/dark.mjs
//
// A reference is taken while all is well, here from the first frames. Afterwards each window of
// frames is compared with it. The frames are the samples of models/digits, until someone covers the
// lens.
import { readdirSync, readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { load } from '../../dist/index.js';
import { drift, report, watch } from '../../dist/monitor.js';

const SAMPLES = new URL('../../models/digits/samples/', import.meta.url);
const WINDOW = 60; // frames
const COVERED = 4; // the window during which the lens is covered
const ALARM = 0.5; // Kolmogorov–Smirnov statistic of the images' brightness

const images = readdirSync(SAMPLES).filter((name) => name.endsWith('.png')).map((name) => {
  const { data } = PNG.sync.read(readFileSync(new URL(name, SAMPLES)));
  return Float32Array.from({ length: 784 }, (_, i) => data[i * 4] / 255);
});
const model = await load(new URL('../../models/digits/digits.klet', import.meta.url));
const monitor = watch(model);
let frames = 0;

/** Predicts the frames of a window, with light from 0 to 1. */
function look(light) {
  for (let i = 0; i < WINDOW; i++) {
    const image = images[frames++ % images.length];
    monitor.predict(image.map((pixel) => pixel * light));
  }
  return monitor.take();
}

const reference = look(1);
for (let window = 1; window <= 5; window++) {
  const seen = look(window >= COVERED ? 0.03 : 0.97);
  const { means } = drift(reference, seen).inputs.image;
  const { mean } = report(seen).inputs.image;
  const verdict = means.ks > ALARM ? 'ALARM: the camera sees something else' : 'all is well';
  console.log(`window ${window}: brightness ${mean.toFixed(3)}, KS ${means.ks.toFixed(3)}, ${verdict}`);
}
