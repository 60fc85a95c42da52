// The camera: the network runs on its images, some each second.
import { load } from '../../dist/browser.js';
import { imageToInput } from '../../dist/tasks.js';
import { $, hideError, showError } from '../page.js';

const PAUSE = 100; // milliseconds from one image to the next

const troubles = {
  NotAllowedError: "Access to the camera was denied. Allow it in the browser's settings for this page.",
  NotFoundError: 'No camera was found.',
};

/** @param {(seen?: object) => void} show takes what the camera sees, and nothing once it is off */
export function makeCamera(show) {
  const video = $('video');
  let model;
  let embeds = true;
  let stream;
  let timer;
  let isShown = false;

  async function open() {
    $('open-camera').disabled = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: 320 }, facingMode: 'environment' },
      });
      video.srcObject = stream;
      await video.play();
      if (!isShown) return close(); // another source was chosen meanwhile
      hideError();
      $('camera').classList.add('live');
      timer = setInterval(look, PAUSE);
    } catch (error) {
      close();
      if (isShown) showError(troubles[error.name] ? new Error(troubles[error.name]) : error);
    } finally {
      $('open-camera').disabled = false;
    }
  }

  function close() {
    clearInterval(timer);
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = undefined;
    video.srcObject = null;
    $('camera').classList.remove('live');
    if (isShown) show();
  }

  function look() {
    if (!model || video.readyState < video.HAVE_CURRENT_DATA) return;
    const started = performance.now();
    const output = model.predict(imageToInput(video, model));
    const milliseconds = performance.now() - started;
    show({ ...(embeds ? { embedding: output } : { answer: output }), milliseconds, picture: video });
  }

  $('open-camera').addEventListener('click', open);
  return {
    noun: 'thing',
    isStill: false,
    async use(klet, isEmbedder) {
      model = await load(klet);
      embeds = isEmbedder;
    },
    show() {
      isShown = true;
      show();
    },
    hide() {
      isShown = false;
      close();
    },
    press() {},
  };
}
