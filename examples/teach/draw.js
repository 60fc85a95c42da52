// Drawings: a pad, whose ink becomes the input of the network for digits.
import { load } from '../../dist/browser.js';
import { centreDigit } from '../digits/image.js';
import { makePad } from '../digits/pad.js';
import { $ } from '../page.js';

const SAMPLES = 'qwertyuiop'; // keys that draw the samples of the digits 0 to 9
const SAMPLE_SIDE = 28;

/** @param {(seen?: object) => void} show takes what is drawn, and nothing after it was cleared */
export function makeDrawing(show) {
  const pad = makePad($('pad'), read);
  let model;
  let embeds = true;

  function read() {
    const image = centreDigit(pad.ink(), pad.width, pad.height);
    $('draw').classList.add('live');
    const started = performance.now();
    const output = model.predict(image);
    const milliseconds = performance.now() - started;
    show({ ...(embeds ? { embedding: output } : { answer: output }), milliseconds, picture: $('pad') });
  }

  function clear() {
    pad.clear();
    $('draw').classList.remove('live');
    show();
  }

  /** Draws the sample of a digit. */
  async function sample(digit) {
    const image = new Image();
    image.src = new URL(`../../models/digits/samples/${digit}.png`, import.meta.url).href;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: SAMPLE_SIDE, height: SAMPLE_SIDE });
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, SAMPLE_SIDE, SAMPLE_SIDE);
    // the pad keeps ink as opacity
    for (let i = 0; i < pixels.data.length; i += 4) pixels.data[i + 3] = pixels.data[i];
    context.putImageData(pixels, 0, 0);
    pad.show(canvas);
    read();
  }

  $('clear').addEventListener('click', clear);
  return {
    noun: 'sign',
    /** A drawing stays as it is, so holding a button adds it once. */
    isStill: true,
    /** Runs a network on drawings: an embedder, or a file that was saved before. */
    async use(klet, isEmbedder) {
      model = await load(klet);
      embeds = isEmbedder;
    },
    show: clear,
    hide() {},
    press(key) {
      if (key === 'Escape') clear();
      else if (key.length === 1 && SAMPLES.includes(key)) void sample(SAMPLES.indexOf(key));
    },
  };
}
