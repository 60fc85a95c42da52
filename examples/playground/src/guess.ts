import { imageShape } from '../../../src/tasks/index';
import type { Meta, TensorInfo } from '../../../src/browser';
import type { Purpose } from './messages';

// What a network is probably for, by its inputs and outputs. The page shows its guesses as such.

export type InputKind = 'image' | 'audio' | 'values';

interface Description {
  inputs: readonly TensorInfo[];
  outputs: readonly TensorInfo[];
  labels?: readonly string[] | undefined;
  preprocessing?: Meta['preprocessing'] | undefined;
  task?: Meta['task'] | undefined;
}

/** How bytes of pixels become values: byte × scale + offset. */
export const pixelRanges = {
  '0 to 1': { scale: 1 / 255, offset: 0 },
  '−1 to 1': { scale: 1 / 127.5, offset: -1 },
  '0 to 255': { scale: 1, offset: 0 },
} as const;

/** Smaller inputs are hardly pictures, but tables with a few columns. */
const SMALLEST = 8;
/** Pictures are at most so many times longer than wide. */
const LONGEST = 4;
/** Outputs of detectors have at least as many candidates, with so many numbers for each. */
const CANDIDATES = 300;
const FEWEST = 5;
const FIELDS = 300;
/** Numbers of a body in MoveNet: 17 points with x, y and score, and for several people a box. */
const BODY = [17 * 3, 17 * 3 + 5];

/** What META says about the use of the network. */
export function purposeOf({ labels, preprocessing, task }: Partial<Meta>): Purpose {
  return { ...(labels && { labels }), ...(preprocessing && { preprocessing }), ...(task && { task }) };
}

export function inputKind({ inputs, preprocessing }: Pick<Description, 'inputs' | 'preprocessing'>): InputKind {
  if (preprocessing) return preprocessing.kind;
  const [first] = inputs;
  if (inputs.length !== 1 || !first) return 'values';
  try {
    const { width, height } = imageShape(first);
    const [most, least] = [Math.max(width, height), Math.min(width, height)];
    return least >= SMALLEST && most <= LONGEST * least ? 'image' : 'values';
  } catch {
    return 'values';
  }
}

/** The real numbers that an input can represent. */
function rangeOf({ dtype, scale, zeroPoint = 0 }: TensorInfo): [least: number, most: number] {
  if (dtype === 'float32') return [0, 1];
  // integers without a scale are the bytes of the pixels
  if (scale === undefined) return [0, 255];
  if (dtype === 'uint8') return [-zeroPoint * scale, (255 - zeroPoint) * scale];
  return [(-128 - zeroPoint) * scale, (127 - zeroPoint) * scale];
}

function pixelsOf(input: TensorInfo): Purpose['preprocessing'] {
  const [least, most] = rangeOf(input);
  const distances = Object.values(pixelRanges).map(({ scale, offset }) => {
    const end = 255 * scale + offset;
    return { scale, offset, distance: (Math.abs(least - offset) + Math.abs(most - end)) / (end - offset) };
  });
  const [{ scale, offset }] = distances.sort((a, b) => a.distance - b.distance) as [typeof distances[0]];
  return { kind: 'image', channels: imageShape(input).channels, scale, offset };
}

/** The dimensions of an output that are above 1. */
function sizesOf({ shape }: TensorInfo): number[] {
  return shape.filter((size) => size > 1);
}

function isVector(output: TensorInfo): boolean {
  return sizesOf(output).length === 1;
}

/** Boxes [n, 4] with two lists or with scores, or rows of a detector. */
function isDetector(outputs: readonly TensorInfo[]): boolean {
  const boxes = outputs.find(({ shape }) => shape.length === 3 && shape[2] === 4);
  if (boxes) {
    const count = boxes.shape[1];
    return outputs.filter((output) => output !== boxes && output.shape[1] === count).length >= 1;
  }
  // networks that also give masks of objects have prototypes as another output
  const [candidates, prototypes] = [...outputs].sort((a, b) => sizesOf(a).length - sizesOf(b).length);
  const sizes = sizesOf(candidates!);
  if (outputs.length > 2 || sizes.length !== 2 || (prototypes && sizesOf(prototypes).length !== 3)) return false;
  const [few, many] = [Math.min(...sizes), Math.max(...sizes)];
  return many >= CANDIDATES && few >= FEWEST && few <= FIELDS;
}

function isPose(outputs: readonly TensorInfo[]): boolean {
  if (outputs.length !== 1) return false;
  const numbers = sizesOf(outputs[0]!);
  return numbers.at(-1) === BODY[1] || (numbers.length === 2 && numbers[0] === 17 && numbers[1] === 3);
}

/** A grid of values or of scores. Three channels are a picture. */
function isMask(outputs: readonly TensorInfo[]): boolean {
  if (outputs.length !== 1 || outputs[0]!.shape.length < 3) return false;
  const [most = 1, side = 1, channels = 1] = sizesOf(outputs[0]!).sort((a, b) => b - a);
  return Math.min(most, side) >= SMALLEST && channels !== 3;
}

function imageTask({ outputs, labels }: Description): Purpose['task'] {
  if (isDetector(outputs)) return { kind: 'detect' };
  if (isPose(outputs)) return { kind: 'pose' };
  if (isMask(outputs)) return { kind: 'segment' };
  if (outputs.length !== 1 || !isVector(outputs[0]!)) return undefined;
  const [classes] = sizesOf(outputs[0]!);
  return { kind: 'classify', ...(labels?.length === classes! - 1 && { background: 0 }) };
}

/** What the file leaves open and its inputs and outputs tell. */
export function guessOf(description: Description): Purpose {
  const kind = inputKind(description);
  const { inputs, outputs, preprocessing, task } = description;
  if (kind === 'values') return {};
  const found = kind === 'image' ? imageTask(description) : undefined;
  const isKeywords = kind === 'audio' && outputs.length === 1 && isVector(outputs[0]!);
  const likely = isKeywords ? { kind: 'keywords' as const } : found;
  return {
    ...(kind === 'image' && !preprocessing && { preprocessing: pixelsOf(inputs[0]!) }),
    ...(likely && !task && { task: likely }),
  } as Purpose;
}
