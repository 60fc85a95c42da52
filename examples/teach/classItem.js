// The list item of a class: name, number of examples, thumbnails, and the button that adds some.

const THUMBNAIL = 44; // pixels

/**
 * @param one the class, which gets `item` and `refresh`
 * @param {number} number its number, from 1 on
 * @param actions `isStill`: a press adds one example; `count()`, `hold(one)`, `release()`,
 *   `add(one)`, `renamed()` and `remove()`
 */
export function makeClassItem(one, number, { isStill, count, hold, release, add, renamed, remove }) {
  const item = document.getElementById('class').content.cloneNode(true).firstElementChild;
  const [input, button, cross] = ['input', '.hold', '.remove'].map((selector) => item.querySelector(selector));
  one.item = item;
  one.refresh = () => {
    item.querySelector('.count').textContent = count();
    item.querySelector('.thumbnails').replaceChildren(...one.thumbnails);
  };
  input.value = one.name;
  input.setAttribute('aria-label', `name of class ${number}`);
  input.addEventListener('input', () => {
    one.name = input.value || one.name;
    renamed();
  });
  button.textContent = isStill ? 'Add' : 'Hold';
  button.title = isStill ? `Add the drawing (${number})` : `Add examples while it is held (${number})`;
  button.setAttribute('aria-label', `${isStill ? 'add to' : 'hold to add to'} class ${number}`);
  makeHoldable(button, () => hold(one), release, () => add(one));
  cross.setAttribute('aria-label', `remove class ${number}`);
  cross.addEventListener('click', remove);
  one.refresh();
  return item;
}

/** Holding a button with a finger, the mouse, Enter or Space. */
function makeHoldable(button, press, release, click) {
  button.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    press();
  });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur']) button.addEventListener(end, release);
  button.addEventListener('contextmenu', (event) => event.preventDefault());
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    if (!event.repeat) press();
  });
  button.addEventListener('keyup', (event) => {
    if (event.key === ' ') event.preventDefault();
    release();
  });
  // screen readers click without a pointer
  button.addEventListener('click', ({ detail }) => {
    if (detail === 0) click();
  });
}

/** A small copy of what a canvas or video shows, cut to a square. */
export function thumbnailOf(picture) {
  const canvas = Object.assign(document.createElement('canvas'), { width: THUMBNAIL, height: THUMBNAIL });
  const [width, height] = [picture.videoWidth ?? picture.width, picture.videoHeight ?? picture.height];
  const side = Math.min(width, height);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, (width - side) / 2, (height - side) / 2, side, side, 0, 0, THUMBNAIL, THUMBNAIL);
  return canvas;
}
