// The drawing area: strokes of a mouse, pen or finger on a canvas, whose opacity is the ink.

const RESOLUTION = 560; // 20 times the network's 28
const PEN = 40;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {() => void} onChange called at most once per frame while the user draws
 */
export function makePad(canvas, onChange) {
  canvas.width = canvas.height = RESOLUTION;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  Object.assign(context, {
    lineCap: 'round',
    lineJoin: 'round',
    lineWidth: PEN,
    strokeStyle: '#fff',
    imageSmoothingQuality: 'high',
  });
  let last;
  let scheduled = false;

  const changed = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      onChange();
    });
  };

  const place = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [((event.clientX - left) / width) * RESOLUTION, ((event.clientY - top) / height) * RESOLUTION];
  };

  const strokeTo = (point) => {
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...point);
    context.stroke();
    last = point;
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    strokeTo(last);
    changed();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!last || !event.isPrimary) return;
    const between = event.getCoalescedEvents?.() ?? []; // events since the last frame
    for (const each of between.length > 0 ? between : [event]) strokeTo(place(each));
    changed();
  });
  for (const end of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(end, () => {
      last = undefined;
    });
  }

  return {
    width: RESOLUTION,
    height: RESOLUTION,
    clear() {
      context.clearRect(0, 0, RESOLUTION, RESOLUTION);
    },
    /** Draws a canvas whose opacity is the ink. */
    show(image) {
      this.clear();
      context.drawImage(image, 0, 0, RESOLUTION, RESOLUTION);
    },
    /** @returns {Float32Array} [height][width], 0..1 */
    ink() {
      const { data } = context.getImageData(0, 0, RESOLUTION, RESOLUTION);
      return Float32Array.from({ length: RESOLUTION * RESOLUTION }, (_, i) => data[i * 4 + 3] / 255);
    },
  };
}
