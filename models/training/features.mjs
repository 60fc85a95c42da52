/**
 * Losses that make a network's activations resemble those of its teacher. Gradients go to the
 * student only.
 */

/**
 * Hint loss: the mean squared difference of two activations of equal shape, relative to the
 * teacher's mean square, so that zeros have the loss 1 (Romero et al., "FitNets", arXiv:1412.6550).
 *
 * @param student, teacher tensors of one shape
 * @param weight factor of the loss
 * @returns scalar
 */
export function hintLoss(tf, student, teacher, weight = 1) {
  return featureLoss(tf, student, weight, (values) => hint(values, teacher.dataSync()));
}

/**
 * Attention transfer: compares at which pixels two layers respond. The map of an image holds the
 * sum of squares over channels of each pixel, and has the norm 1 over its pixels; the loss is the
 * squared distance of both maps, averaged over images (Zagoruyko & Komodakis, "Paying More
 * Attention to Attention", arXiv:1612.03928). The layers may differ in channels.
 *
 * @param student [N][H][W][C]
 * @param teacher [N][H][W][any number of channels]
 * @param weight factor of the loss
 * @returns scalar
 */
export function attentionLoss(tf, student, teacher, weight = 1) {
  return featureLoss(
    tf,
    student,
    weight,
    (values) => attention(values, teacher.dataSync(), student.shape, teacher.shape[3]),
  );
}

/** The sum of losses, each a scalar. */
export function totalLoss(tf, losses) {
  return tf.customGrad((...args) => {
    const save = args.pop();
    save([]);
    return { value: tf.addN(args), gradFunc: (dy) => losses.map(() => dy) };
  })(...losses);
}

/** @param compare (values of the student) → { loss, gradient } */
function featureLoss(tf, student, weight, compare) {
  return tf.customGrad((x, save) => {
    save([]);
    const { loss, gradient } = compare(x.dataSync());
    const slopes = gradient.map((slope) => weight * slope);
    return { value: tf.scalar(weight * loss), gradFunc: (dy) => tf.mul(tf.tensor(slopes, x.shape), dy) };
  })(student);
}

/** Value and gradient of `hintLoss`, on arrays. */
export function hint(student, teacher) {
  let squares = 1e-12;
  let loss = 0;
  for (let i = 0; i < teacher.length; i++) {
    squares += teacher[i] ** 2;
    loss += (student[i] - teacher[i]) ** 2;
  }
  return { loss: loss / squares, gradient: student.map((value, i) => 2 * (value - teacher[i]) / squares) };
}

/** Value and gradient of `attentionLoss`, on arrays. */
export function attention(student, teacher, [images, height, width, channels], teacherChannels) {
  const pixels = height * width;
  const own = attentionMaps(student, images, pixels, channels);
  const expected = attentionMaps(teacher, images, pixels, teacherChannels);
  const gradient = new Float32Array(student.length);
  let loss = 0;
  for (let n = 0; n < images; n++) {
    const at = n * pixels;
    let along = 0; // of the difference along the map, which the norm removes from the gradient
    for (let p = at; p < at + pixels; p++) {
      const difference = own.maps[p] - expected.maps[p];
      loss += difference ** 2 / images;
      along += difference * own.maps[p];
    }
    for (let p = at; p < at + pixels; p++) {
      const slope = 2 * (own.maps[p] - expected.maps[p] - along * own.maps[p]) / (images * own.norms[n]);
      for (let i = p * channels; i < (p + 1) * channels; i++) gradient[i] = slope * 2 * student[i];
    }
  }
  return { loss, gradient };
}

/** Sums of squares over channels, with the norm 1 over the pixels of each image. */
function attentionMaps(values, images, pixels, channels) {
  const maps = new Float64Array(images * pixels);
  for (let i = 0; i < values.length; i++) maps[Math.floor(i / channels)] += values[i] ** 2;
  const norms = Float64Array.from({ length: images }, (_, n) => {
    let squares = 0;
    for (let p = n * pixels; p < (n + 1) * pixels; p++) squares += maps[p] ** 2;
    return Math.sqrt(squares) + 1e-12;
  });
  return { maps: maps.map((value, p) => value / norms[Math.floor(p / pixels)]), norms };
}
