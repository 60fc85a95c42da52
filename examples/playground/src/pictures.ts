import type { ImagePreprocessing } from '../../../src/browser';
import { imageToInput } from '../../../src/tasks/index';
import { answerTo } from './answers';
import { h } from './dom';
import { noisePicture, pictureOf, scaledDown } from './inputs';
import { outputsView } from './outputs';
import { drawingPad } from './pad';
import type { Panel } from './panel';

// Shows the network pictures: of the camera, of a file, drawn, or of noise.

type Picture = ImageBitmap | OffscreenCanvas | HTMLCanvasElement;

/** Pictures below this width are enlarged without smoothing. */
const TINY = 100;

/** Shows the answer for a picture, and draws it over the picture on the canvas. */
function look(panel: Panel, picture: Picture, context?: CanvasRenderingContext2D): void {
  const answer = answerTo(picture, panel.taskModel, panel.memory) ??
    outputsView(panel.model, panel.predict(imageToInput(picture, panel.model)));
  if (context) answer.draw?.(context);
  panel.show(answer);
}

function canvasFor(panel: Panel, label: string): HTMLCanvasElement {
  const canvas = h('canvas', { class: 'seen', role: 'img', 'aria-label': label });
  panel.stage.replaceChildren(canvas);
  return canvas;
}

/** Draws a picture on the stage with what the network finds in it. */
function showOn(panel: Panel, canvas: HTMLCanvasElement, picture: Picture): void {
  Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.classList.toggle('tiny', picture.width < TINY);
  const context = canvas.getContext('2d')!;
  context.drawImage(picture, 0, 0);
  look(panel, picture, context);
}

export async function camera(panel: Panel): Promise<void> {
  const video = h('video', { playsinline: true, muted: true });
  const off = new AbortController();
  // something else may be chosen while the browser asks for permission
  panel.stop = () => {
    off.abort();
  };
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  off.signal.addEventListener('abort', () => {
    for (const track of stream.getTracks()) track.stop();
  });
  if (off.signal.aborted) {
    for (const track of stream.getTracks()) track.stop();
    return;
  }
  video.srcObject = stream;
  try {
    await video.play();
  } catch (error) {
    if (off.signal.aborted) return;
    off.abort();
    throw error;
  }
  const canvas = canvasFor(panel, 'What the camera sees');
  const frame = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const next = (): void => {
    if (off.signal.aborted) return;
    try {
      frame.getContext('2d')!.drawImage(video, 0, 0);
      showOn(panel, canvas, frame);
      requestAnimationFrame(next);
    } catch (error) {
      off.abort();
      panel.fail(error);
    }
  };
  next();
}

/** @returns what shows the picture of a file */
export function pictureFile(file: File): (panel: Panel) => Promise<void> {
  return async (panel) => {
    const picture = await pictureOf(file, file.name);
    showOn(panel, canvasFor(panel, file.name), scaledDown(picture));
  };
}

export function noise(panel: Panel): void {
  showOn(panel, canvasFor(panel, 'Noise'), noisePicture(panel.model.inputs[0]!));
}

/** @returns what shows a pad, which stays when another version of the network looks at it */
export function drawing(): (panel: Panel) => void {
  let current: Panel | undefined;
  let pad: ReturnType<typeof drawingPad> | undefined;
  const read = (): void => {
    try {
      look(current!, pad!.canvas);
    } catch (error) {
      current!.fail(error);
    }
  };
  return (panel) => {
    const isNew = !pad;
    current = panel;
    const { channels, invert } = panel.model.meta.preprocessing as ImagePreprocessing;
    // networks for gray images see light ink on black, as in MNIST
    pad ??= drawingPad(channels === 1 && !invert, read);
    panel.stage.replaceChildren(pad.pad);
    if (isNew) pad.canvas.focus();
    else read();
  };
}
