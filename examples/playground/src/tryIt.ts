import { load, type Model } from '../../../src/browser';
import { createAudioStream, featuresOf, listen, type AudioPreprocessing,
  type Listening } from '../../../src/audio/index';
import { announce, card, h, timeText } from './dom';
import { decodeSound, imageInput, inputKind, noiseInput, pictureOf, pixelRanges, preprocessingFor,
  soundInput } from './inputs';
import { boxesOf, drawBoxes, outputsView } from './outputs';
import { drawingPad } from './pad';
import { drawFeatures, spectrogramOf } from './spectrogram';
import type { Variant } from './messages';

// Runs the network on the camera, the microphone, a file, a drawing or noise.

type Inputs = Parameters<Model['predict']>[0];

const troubles: Record<string, string> = {
  NotAllowedError: 'Access was denied. Allow the camera or microphone for this page in the browser.',
  NotFoundError: 'No such device was found.',
};

/** Chosen values of pixels. It stays when another version is shown. */
let chosenRange = '0 to 1';
export const range = (): string => chosenRange;

/** Pictures below this width are enlarged. */
const TINY = 100;

interface Panel {
  model: Model;
  variant: Variant;
  stage: HTMLElement;
  answer: HTMLElement;
  /** Whether the network has predicted before. */
  isWarm: boolean;
  /** Ends what runs. */
  stop: () => void;
}

function show(panel: Panel, inputs: Inputs): Record<string, Float32Array> {
  const { model, answer } = panel;
  // the engine optimizes during the first prediction
  if (!panel.isWarm) model.predict(inputs);
  panel.isWarm = true;
  model.reset();
  const start = performance.now();
  const found = model.predict(inputs) as Float32Array | Record<string, Float32Array>;
  const time = performance.now() - start;
  const outputs = found instanceof Float32Array ? { [model.outputs[0]!.name]: found } : found;
  const { view, text } = outputsView(model, outputs);
  answer.replaceChildren(...view, h('p', { class: 'soft' }, `${timeText(time)} on ${model.info.flavor}`));
  if (text) announce(text);
  return outputs;
}

function showError({ answer }: Panel, error: unknown): void {
  const { name, message } = error as Error;
  answer.replaceChildren(h('p', { class: 'error' }, troubles[name] ?? message));
}

/** Draws a picture on the stage with what the network finds in it. */
function showPicture(panel: Panel, picture: ImageBitmap | HTMLVideoElement, canvas: HTMLCanvasElement): void {
  const isVideo = picture instanceof HTMLVideoElement;
  canvas.width = isVideo ? picture.videoWidth : picture.width;
  canvas.height = isVideo ? picture.videoHeight : picture.height;
  canvas.classList.toggle('tiny', canvas.width < TINY);
  const context = canvas.getContext('2d')!;
  context.drawImage(picture, 0, 0);
  const outputs = show(panel, imageInput(picture, panel.model, chosenRange));
  const boxes = boxesOf(panel.model, outputs);
  if (boxes) drawBoxes(context, boxes);
}

async function camera(panel: Panel): Promise<void> {
  const video = h('video', { playsinline: true, muted: true });
  const canvas = h('canvas', { class: 'seen', role: 'img', 'aria-label': 'What the camera sees' });
  const off = new AbortController();
  // something else may be chosen while the browser asks for permission
  panel.stop = () => {
    off.abort();
  };
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  const stop = (): void => {
    off.abort();
    for (const track of stream.getTracks()) track.stop();
  };
  video.srcObject = stream;
  try {
    await video.play();
  } catch (error) {
    stop();
    throw error;
  }
  if (off.signal.aborted) {
    stop();
    return;
  }
  panel.stop = stop;
  panel.stage.replaceChildren(canvas);
  const next = (): void => {
    if (off.signal.aborted) return;
    try {
      showPicture(panel, video, canvas);
      requestAnimationFrame(next);
    } catch (error) {
      stop();
      showError(panel, error);
    }
  };
  next();
}

async function microphone(panel: Panel): Promise<void> {
  const { preprocessing } = panel.model.meta;
  if (preprocessing?.kind !== 'audio') return;
  const off = new AbortController();
  panel.stop = () => {
    off.abort();
  };
  const listening: Listening = await listen({
    klet: panel.variant.klet,
    sampleRate: preprocessing.sampleRate,
    worklet: new URL('kinglet/worklet.js', document.baseURI),
    onOutput: (output) => {
      const { view, text } = outputsView(panel.model, { [panel.model.outputs[0]!.name]: output });
      panel.answer.replaceChildren(...view);
      if (text) announce(text);
    },
    onError: (error) => {
      panel.stop();
      showError(panel, error);
    },
  });
  if (off.signal.aborted) {
    void listening.stop();
    return;
  }
  const { canvas, stop } = spectrogramOf(listening.context, listening.stream);
  panel.stage.replaceChildren(canvas);
  panel.stop = () => {
    stop();
    void listening.stop();
  };
}

function drawing(panel: Panel): void {
  const { channels, invert } = preprocessingFor(panel.model, chosenRange);
  // networks for gray images see light ink on black, as in MNIST
  const { pad, canvas } = drawingPad(channels === 1 && !invert, () => {
    try {
      show(panel, imageInput(canvas, panel.model, chosenRange));
    } catch (error) {
      showError(panel, error);
    }
  });
  panel.stage.replaceChildren(pad);
  canvas.focus();
}

/**
 * Networks with state hear the recording frame by frame. The answer with the highest score counts.
 */
function recording(panel: Panel, samples: Float32Array, preprocessing: AudioPreprocessing): void {
  const { model, stage, answer } = panel;
  const [input] = model.inputs;
  const isFramesFirst = preprocessing.layout === 'frames-first';
  if (model.memory.state === 0) {
    const values = soundInput(samples, input!, preprocessing);
    stage.replaceChildren(drawFeatures(values, input!.shape, isFramesFirst));
    show(panel, values);
    return;
  }
  const front = featuresOf(model);
  const features = front.compute(samples);
  stage.replaceChildren(drawFeatures(features, [features.length / front.features, front.features], true));
  const stream = createAudioStream(model);
  let best = new Float32Array(0);
  const keep = (output: Float32Array): void => {
    if (best.length === 0 || Math.max(...output) > Math.max(...best)) best = output.slice();
  };
  stream.push(samples, keep);
  stream.end(keep);
  if (best.length === 0) throw new Error('the recording is shorter than a frame of the network');
  const { view, text } = outputsView(model, { [model.outputs[0]!.name]: best });
  answer.replaceChildren(...view);
  announce(text);
}

async function file(panel: Panel, chosen: File): Promise<void> {
  const { preprocessing } = panel.model.meta;
  if (preprocessing?.kind === 'audio') {
    const samples = await decodeSound(await chosen.arrayBuffer(), preprocessing.sampleRate);
    recording(panel, samples, preprocessing);
    return;
  }
  const canvas = h('canvas', { class: 'seen', role: 'img', 'aria-label': chosen.name });
  panel.stage.replaceChildren(canvas);
  showPicture(panel, await pictureOf(chosen), canvas);
}

function sources(panel: Panel): HTMLElement {
  const kind = inputKind(panel.model);
  const run = (work: () => void | Promise<void>): void => {
    panel.stop();
    panel.stop = () => undefined;
    panel.answer.replaceChildren();
    void (async () => {
      try {
        await work();
      } catch (error) {
        showError(panel, error);
      }
    })();
  };
  const button = (label: string, id: string, work: () => void | Promise<void>): HTMLElement =>
    h('button', {
      class: 'button',
      type: 'button',
      id,
      click: () => {
        run(work);
      },
    }, label);
  const chooser = (label: string, accept: string): HTMLElement => {
    const input = h('input', { type: 'file', accept, id: 'try-file' });
    input.addEventListener('change', () => {
      const [chosen] = input.files ?? [];
      if (chosen) run(() => file(panel, chosen));
    });
    return h('label', { class: 'button' }, label, input);
  };
  const noise = button('Noise', 'try-noise', () => {
    panel.stage.replaceChildren(h('p', { class: 'soft' }, 'Random values from −1 to 1.'));
    const inputs = noiseInput(panel.model);
    show(panel, inputs);
  });
  if (kind === 'image') {
    return h(
      'div',
      { class: 'actions' },
      button('Camera', 'try-camera', () => camera(panel)),
      chooser('Picture', 'image/*'),
      button('Draw', 'try-draw', () => {
        drawing(panel);
      }),
      noise,
    );
  }
  if (kind === 'audio') {
    return h(
      'div',
      { class: 'actions' },
      button('Microphone', 'try-microphone', () => microphone(panel)),
      chooser('Recording', 'audio/*'),
      noise,
    );
  }
  return h('div', { class: 'actions' }, noise);
}

function rangeChoice(): HTMLElement {
  const select = h(
    'select',
    { id: 'range' },
    ...Object.keys(pixelRanges).map((name) => h('option', { selected: name === chosenRange }, name)),
  );
  select.addEventListener('change', () => {
    chosenRange = select.value;
  });
  return h(
    'p',
    { class: 'choice' },
    h('label', { for: 'range' }, 'The network does not say which values pixels have: '),
    select,
  );
}

/** @returns the section, and what ends it */
export function tryIt(variant: Variant): { section: HTMLElement; model: Promise<Model>; end: () => void } {
  const stage = h('div', { class: 'stage' }, h('p', { class: 'soft' }, 'Choose what the network sees.'));
  const answer = h('div', { class: 'found' });
  const section = card('try', 'Try it', h('div', { class: 'two' }, stage, answer));
  let panel: Panel | undefined;
  const model = load(variant.klet);
  model.then((loaded) => {
    // labels may come from a file beside the network
    Object.assign(loaded.meta, variant.meta.labels && { labels: variant.meta.labels });
    panel = { model: loaded, variant, stage, answer, isWarm: false, stop: () => undefined };
    const parts = [sources(panel)];
    if (inputKind(loaded) === 'image' && !loaded.meta.preprocessing) parts.push(rangeChoice());
    section.children[0]!.after(...parts);
  }, (error: Error) => {
    answer.replaceChildren(h('p', { class: 'error' }, error.message));
  });
  return { section, model, end: () => panel?.stop() };
}
