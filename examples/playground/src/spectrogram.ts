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
  drawing.fillStyle = colour(0);
  drawing.fillRect(0, 0, WIDTH, HEIGHT);
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

/** The features of a recording, [frames][features]. */
export function drawFeatures(values: Float32Array, features: number): HTMLCanvasElement {
  const frames = values.length / features;
  const canvas = h('canvas', {
    class: 'spectrogram',
    width: frames,
    height: features,
    role: 'img',
    'aria-label': 'Features of the recording',
  });
  const drawing = canvas.getContext('2d')!;
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  values.forEach((value, i) => {
    drawing.fillStyle = colour((value - low) / (high - low || 1));
    drawing.fillRect(Math.floor(i / features), features - 1 - (i % features), 1, 1);
  });
  return canvas;
}
