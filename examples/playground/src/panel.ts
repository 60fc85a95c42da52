import type { Model } from '../../../src/browser';
import { Gallery, type TaskModel } from '../../../src/tasks/index';
import type { Answer, Memory } from './answers';
import { announce, h, timeText } from './dom';
import type { Outputs } from './outputs';
import type { Variant } from './messages';

type Inputs = Parameters<Model['predict']>[0];

const troubles: Record<string, string> = {
  NotAllowedError: 'Access was denied. Allow the camera or microphone for this page in the browser.',
  NotFoundError: 'This device has no such camera or microphone.',
  NotReadableError: 'Another program uses the camera or microphone.',
};

/** The model on the page, what it sees on the left, and its answer on the right. */
export class Panel {
  readonly stage = h('div', { class: 'stage' }, h('p', { class: 'soft' }, 'Choose what the network sees.'));
  readonly answer: HTMLElement;
  readonly memory: Memory = { gallery: new Gallery() };
  /** The model for kinglet/tasks, whose predictions are timed. */
  readonly taskModel: TaskModel;
  /** Ends what runs. */
  stop = (): void => undefined;
  private readonly result = h('div', {}, h('p', { class: 'soft' }, 'The answer appears here.'));
  private readonly time = h('p', { class: 'soft' });
  private isWarm = false;

  constructor(readonly model: Model, readonly variant: Variant) {
    this.answer = h('div', { class: 'found' }, this.result, this.time);
    const { inputs, outputs, meta } = model;
    const predictInto: Model['predictInto'] = (given, targets) => {
      this.timed(() => {
        model.predictInto(given, targets);
      });
    };
    this.taskModel = { inputs, outputs, meta, predictInto };
  }

  /** Runs the model anew, and shows how long it takes. */
  private timed<T>(run: () => T): T {
    const { model } = this;
    // the engine optimizes during the first prediction
    if (!this.isWarm) run();
    this.isWarm = true;
    model.reset();
    const start = performance.now();
    const result = run();
    const time = performance.now() - start;
    this.time.textContent = `${time > 0 ? timeText(time) : 'less than a step of the clock'} on ${model.info.flavor}`;
    return result;
  }

  predict(inputs: Inputs): Outputs {
    const { model } = this;
    const found = this.timed(() => model.predict(inputs) as Float32Array | Outputs);
    return found instanceof Float32Array ? { [model.outputs[0]!.name]: found } : found;
  }

  show({ view, text }: Answer): void {
    // an element with a field that someone types into stays where it is
    if (this.result.firstChild !== view[0] || view.length > 1) this.result.replaceChildren(...view);
    if (text) announce(text);
  }

  fail(error: unknown): void {
    const { name, message } = error as Error;
    this.time.textContent = '';
    this.result.replaceChildren(h('p', { class: 'error' }, troubles[name] ?? message));
  }

  /** Begins something else. Its errors are shown. */
  start(work: (panel: Panel) => void | Promise<void>): void {
    this.stop();
    this.stop = () => undefined;
    this.result.replaceChildren();
    this.time.textContent = '';
    void (async () => {
      try {
        await work(this);
      } catch (error) {
        this.fail(error);
      }
    })();
  }

  dispose(): void {
    this.stop();
    this.model.dispose();
  }
}
