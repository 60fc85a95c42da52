import { load, type Model } from '../../../src/browser';
import { card, h } from './dom';
import { inputKind, purposeOf } from './guess';
import { noiseInput } from './inputs';
import type { Variant } from './messages';
import { outputsView } from './outputs';
import { Panel } from './panel';
import { camera, drawing, noise, pictureFile } from './pictures';
import { microphone, recording } from './sounds';

// Runs the network on the camera, the microphone, a file, a drawing or noise.

/** Shows the network something. */
type Show = (panel: Panel) => void | Promise<void>;

/** What the network sees, and the button that was chosen for it. */
export interface Source {
  button: string;
  show: Show;
}

function noiseValues(panel: Panel): void {
  panel.stage.replaceChildren(h('p', { class: 'soft' }, 'Random values from −1 to 1.'));
  panel.show(outputsView(panel.model, panel.predict(noiseInput(panel.model))));
}

/** The buttons for what the network can see or hear. */
function sources({ inputs, meta }: Model, choose: (source: Source) => void): HTMLElement {
  const button = (label: string, id: string, show: () => Show): HTMLElement =>
    h('button', {
      class: 'button',
      type: 'button',
      id,
      click: () => {
        choose({ button: id, show: show() });
      },
    }, label);
  const chooser = (label: string, accept: string, show: (file: File) => Show): HTMLElement => {
    const input = h('input', { type: 'file', accept, id: 'try-file' });
    input.addEventListener('change', () => {
      const [chosen] = input.files ?? [];
      if (chosen) choose({ button: input.id, show: show(chosen) });
      input.value = '';
    });
    return h('label', { class: 'button' }, label, input);
  };
  const buttons = {
    image: () => [button('Camera', 'try-camera', () =>
      camera), chooser('Picture', 'image/*', pictureFile), button('Draw', 'try-draw', drawing),
      button('Noise', 'try-noise', () => noise)],
    audio: () => [button('Microphone', 'try-microphone', () =>
      microphone), chooser('Recording', 'audio/*', recording), button('Noise', 'try-noise', () =>
        noiseValues)],
    values: () => [button('Noise', 'try-noise', () => noiseValues)],
  };
  const kind = inputKind({ inputs, preprocessing: meta.preprocessing });
  return h('div', { class: 'actions' }, ...buttons[kind]());
}

export interface Trial {
  section: HTMLElement;
  model: Promise<Model>;
  /** What the network sees at the moment. */
  source: () => Source | undefined;
  /** Ends it and gives its memory back. */
  end: () => void;
}

/** @param first what the network sees at first */
export function tryIt(variant: Variant, first: Source | undefined): Trial {
  const section = card('try', 'Try it');
  let source = first;
  let panel: Panel | undefined;
  let hasEnded = false;
  const model = load(variant.klet);
  model.then((loaded) => {
    if (hasEnded) {
      loaded.dispose();
      return;
    }
    Object.assign(loaded.meta, purposeOf(variant.meta));
    const made = new Panel(loaded, variant);
    panel = made;
    const start = (chosen: Source): void => {
      source = chosen;
      for (const element of buttons.children) {
        const id = element.id || element.querySelector('input')?.id;
        element.classList.toggle('chosen', id === chosen.button);
      }
      made.start(chosen.show);
    };
    const buttons = sources(loaded, start);
    section.append(buttons, h('div', { class: 'two' }, made.stage, made.answer));
    if (source) start(source);
  }, (error: Error) => {
    section.append(h('p', { class: 'error' }, error.message));
  });
  return {
    section,
    model,
    source: () => source,
    end: () => {
      hasEnded = true;
      panel?.dispose();
    },
  };
}
