import type { Model } from '../../../src/browser';
import { createAudioStream, featuresOf, listen } from '../../../src/audio/index';
import { detectSound, keywords, type Keyword, type SoundEvent } from '../../../src/tasks/sound/index';
import { h } from './dom';
import { decodeSound, soundInput, type AudioPreprocessing } from './inputs';
import { outputsView } from './outputs';
import type { Panel } from './panel';
import { drawFeatures, spectrogramOf } from './spectrogram';

// Lets the network hear the microphone or a recording.

type Heard = Keyword | SoundEvent;
type Listener = Pick<ReturnType<typeof keywords> | ReturnType<typeof detectSound>, 'detect'> & {
  take(scores: Float32Array, frame: number, onEvent: (event: Heard) => void, rms?: number): void;
};

/** Most entries of the list of what was heard. */
const SHOWN = 8;

/** The detector of the network's task, if it has one for sound. */
function listenerOf(model: Model): Listener | undefined {
  const { task } = model.meta;
  if (task?.kind === 'keywords') return keywords(model);
  return task?.kind === 'detectSound' ? detectSound(model) : undefined;
}

function entry(heard: Heard): HTMLElement {
  const time = 'time' in heard
    ? `${heard.time.toFixed(2)} s`
    : `${heard.start.toFixed(2)} to ${heard.end.toFixed(2)} s`;
  return h(
    'li',
    {},
    h('span', {}, time),
    h('b', {}, heard.label),
    h('span', {}, `${Math.round(heard.confidence * 100)} %`),
  );
}

function heardList(): { list: HTMLElement; add: (heard: Heard) => void } {
  const list = h('ol', { class: 'heard', 'aria-label': 'Heard' }, h('li', { class: 'soft' }, 'Nothing yet.'));
  let isEmpty = true;
  return {
    list,
    add: (heard) => {
      if (isEmpty) list.replaceChildren();
      isEmpty = false;
      list.prepend(entry(heard));
      while (list.children.length > SHOWN) list.lastElementChild!.remove();
    },
  };
}

export async function microphone(panel: Panel): Promise<void> {
  const { model } = panel;
  const { sampleRate } = model.meta.preprocessing as AudioPreprocessing;
  const off = new AbortController();
  panel.stop = () => {
    off.abort();
  };
  const listener = listenerOf(model);
  const { list, add } = heardList();
  let level = 0;
  const listening = await listen({
    klet: panel.variant.klet,
    sampleRate,
    worklet: new URL('kinglet/worklet.js', document.baseURI),
    onLevel: ({ rms }) => {
      level = rms;
    },
    onOutput: (output, frame) => {
      // messages may be on their way when something else is chosen
      if (off.signal.aborted) return;
      const { view } = outputsView(model, { [model.outputs[0]!.name]: output });
      let text = '';
      listener?.take(output, frame, (heard) => {
        add(heard);
        text = heard.label;
      }, level);
      panel.show({ view: listener ? [...view, h('h3', {}, 'Heard'), list] : view, text });
    },
    onError: (error) => {
      panel.stop();
      panel.fail(error);
    },
  });
  if (off.signal.aborted) {
    void listening.stop();
    return;
  }
  const { canvas, stop } = spectrogramOf(listening.context, listening.stream);
  panel.stage.replaceChildren(canvas);
  panel.stop = () => {
    off.abort();
    stop();
    void listening.stop();
  };
}

/** Draws what the network hears of a recording. */
function drawSound(panel: Panel, samples: Float32Array): void {
  const { model, stage } = panel;
  const front = featuresOf(model);
  const features = front.compute(samples);
  const seconds = samples.length / (model.meta.preprocessing as AudioPreprocessing).sampleRate;
  stage
    .replaceChildren(h(
      'figure',
      { class: 'sound' },
      drawFeatures(features, front.features),
      h(
        'figcaption',
        { class: 'soft' },
        `${seconds.toFixed(2)} s, ${features.length / front.features} frames of ${front.features} features`,
      ),
    ));
}

/** The scores of a recording; of a network with state those with the highest maximum. */
function scoresOf(panel: Panel, samples: Float32Array): Float32Array {
  const { model } = panel;
  const [output] = model.outputs;
  if (model.memory.state === 0) return panel.predict(soundInput(samples, model))[output!.name]!;
  const stream = createAudioStream(model);
  let best = new Float32Array(0);
  const keep = (scores: Float32Array): void => {
    if (best.length === 0 || Math.max(...scores) > Math.max(...best)) best = scores.slice();
  };
  stream.push(samples, keep);
  stream.end(keep);
  if (best.length === 0) throw new Error('the recording is shorter than a frame of the network');
  return best;
}

/** @returns what lets the network hear a file */
export function recording(file: File): (panel: Panel) => Promise<void> {
  return async (panel) => {
    const { model } = panel;
    const { sampleRate } = model.meta.preprocessing as AudioPreprocessing;
    const samples = await decodeSound(file, file.name, sampleRate);
    drawSound(panel, samples);
    const { view, text } = outputsView(model, { [model.outputs[0]!.name]: scoresOf(panel, samples) });
    const heard = listenerOf(model)?.detect(samples);
    if (!heard) {
      panel.show({ view, text });
      return;
    }
    const { list, add } = heardList();
    for (const one of heard.slice(0, SHOWN).reverse()) add(one);
    const words = heard.map(({ label }) => label).join(', ');
    panel.show({ view: [...view, h('h3', {}, 'Heard'), list], text: words || 'nothing heard' });
  };
}
