// Names and edges of the points that public networks for poses give.

interface Skeleton {
  keypoints: string[];
  edges: [number, number][];
}

/** COCO's 17 points of a body: MoveNet, PoseNet, YOLO pose. */
const body: Skeleton = {
  keypoints: ['nose', 'left eye', 'right eye', 'left ear', 'right ear', 'left shoulder', 'right shoulder', 'left elbow',
    'right elbow', 'left wrist', 'right wrist', 'left hip', 'right hip', 'left knee', 'right knee', 'left ankle',
    'right ankle'],
  edges: [[0, 1], [0, 2], [1, 3], [2, 4], [5, 6], [5, 7], [7, 9], [6, 8], [8, 10], [5, 11], [6, 12], [11, 12], [11, 13],
    [13, 15], [12, 14], [14, 16]],
};

const fingers = ['thumb', 'index', 'middle', 'ring', 'little'];

/** MediaPipe's 21 points of a hand: the wrist, and four of each finger from the palm to the tip. */
const hand: Skeleton = {
  keypoints: ['wrist', ...fingers.flatMap((finger) => [1, 2, 3, 4].map((joint) => `${finger} ${joint}`))],
  edges: fingers.flatMap((_, finger): [number, number][] => {
    const first = 4 * finger + 1;
    return [[0, first], [first, first + 1], [first + 1, first + 2], [first + 2, first + 3]];
  }),
};

/** The skeleton of as many points as an output has, by its shape, such as [1, 1, 17, 3]. */
export function skeletonOf(outputs: readonly { readonly shape: readonly number[] }[]): Skeleton | undefined {
  const sizes = outputs.flatMap(({ shape }) => shape);
  const values = outputs.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  if (sizes.includes(17) || sizes.includes(56)) return body;
  return sizes.includes(21) || values.includes(63) || values.includes(42) ? hand : undefined;
}
