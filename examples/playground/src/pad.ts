import { h } from './dom';

// A pad to draw on.

const SIDE = 280;
const WIDTH = 22;
/** Milliseconds without a new line before the network looks. */
const PAUSE = 60;
/** Pixels that an arrow key moves the pen. */
const STEP = 14;

/**
 * @param isDark whether the paper is black and the ink white, at first
 * @param onChange is called when the drawing has changed
 */
export function drawingPad(isDark: boolean, onChange: () => void): { pad: HTMLElement; canvas: HTMLCanvasElement } {
  const label =
    'Drawing pad. Draw with a finger, a pen or the mouse, or with the arrow keys; hold Shift to move the pen.';
  const canvas = h('canvas', {
    class: 'pad',
    width: SIDE,
    height: SIDE,
    tabindex: 0,
    role: 'application',
    'aria-label': label,
  });
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  let at = { x: SIDE / 2, y: SIDE / 4 };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, PAUSE);
  };
  const clear = (): void => {
    context.fillStyle = isDark ? '#000' : '#fff';
    context.fillRect(0, 0, SIDE, SIDE);
  };
  const lineTo = (x: number, y: number): void => {
    context.lineWidth = WIDTH;
    context.lineCap = context.lineJoin = 'round';
    context.strokeStyle = isDark ? '#fff' : '#000';
    context.beginPath();
    context.moveTo(at.x, at.y);
    context.lineTo(x, y);
    context.stroke();
    at = { x, y };
    changed();
  };
  const place = ({ offsetX, offsetY }: PointerEvent): { x: number; y: number } => {
    const scale = SIDE / canvas.clientWidth;
    return { x: offsetX * scale, y: offsetY * scale };
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    at = place(event);
    lineTo(at.x, at.y);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons === 0) return;
    const { x, y } = place(event);
    lineTo(x, y);
  });
  canvas.addEventListener('keydown', (event) => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const x = Math.max(0, Math.min(SIDE, at.x + move[0] * STEP));
    const y = Math.max(0, Math.min(SIDE, at.y + move[1] * STEP));
    if (event.shiftKey) at = { x, y };
    else lineTo(x, y);
  });
  clear();
  const button = h('button', { class: 'button small', type: 'button' }, 'Clear');
  button.addEventListener('click', () => {
    clear();
    at = { x: SIDE / 2, y: SIDE / 4 };
    changed();
  });
  const invert = h('button', { class: 'button small', type: 'button' }, 'Invert');
  invert.addEventListener('click', () => {
    isDark = !isDark;
    context.globalCompositeOperation = 'difference';
    context.fillStyle = '#fff';
    context.fillRect(0, 0, SIDE, SIDE);
    context.globalCompositeOperation = 'source-over';
    changed();
  });
  return { pad: h('div', { class: 'drawing' }, canvas, h('div', { class: 'actions' }, button, invert)), canvas };
}
