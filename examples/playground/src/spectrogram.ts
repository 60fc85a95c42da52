import { h } from './dom';

// Sound as pictures: time runs to the right, pitch upwards.

const WIDTH = 320;
const HEIGHT = 128;

/** Dark blue over olive to gold; `part` is from 0 to 1. */
function colour(part: number): string {
  return `hsl(${220 - part * 178} ${40 + part * 50}% ${12 + part * 50}%)`;
}

/** A picture of a stream that goes on until `stop`. */
export function spectrogramOf(
  context: AudioContext,
  stream: MediaStream,
): { canvas: HTMLCanvasElement; stop: () => void } {
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  const canvas = h('canvas', {
    class: 'spectrogram',
    width: WIDTH,
    height: HEIGHT,
    role: 'img',
    'aria-label': 'Spectrogram',
  });
  const drawing = canvas.getContext('2d')!;
  const bins = new Uint8Array(analyser.frequencyBinCount);
  let isOn = true;
  const next = (): void => {
    if (!isOn) return;
    analyser.getByteFrequencyData(bins);
    drawing.drawImage(canvas, -1, 0);
    for (let y = 0; y < HEIGHT; y++) {
      drawing.fillStyle = colour(bins[Math.floor((y / HEIGHT) * bins.length)]! / 255);
      drawing.fillRect(WIDTH - 1, HEIGHT - 1 - y, 1, 1);
    }
    requestAnimationFrame(next);
  };
  next();
  return {
    canvas,
    stop: () => {
      isOn = false;
      source.disconnect();
    },
  };
}

/** The features that a network sees. */
export function drawFeatures(
  values: Float32Array,
  shape: readonly number[],
  isFramesFirst: boolean,
): HTMLCanvasElement {
  const sizes = shape.filter((size) => size > 1);
  const [first = 1, second = 1] = sizes;
  const [frames, features] = isFramesFirst ? [first, second] : [second, first];
  const canvas = h('canvas', {
    class: 'spectrogram',
    width: frames,
    height: features,
    role: 'img',
    'aria-label': 'Features',
  });
  const drawing = canvas.getContext('2d')!;
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  for (let t = 0; t < frames; t++) {
    for (let f = 0; f < features; f++) {
      const value = values[isFramesFirst ? t * features + f : f * frames + t]!;
      drawing.fillStyle = colour((value - low) / (high - low || 1));
      drawing.fillRect(t, features - 1 - f, 1, 1);
    }
  }
  return canvas;
}
