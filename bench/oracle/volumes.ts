import type { ElementType, Maker } from './maker';

// Convolutions over volumes, which TensorFlow Lite has in float32.

const elements = (shape: readonly number[]) => shape.reduce((p, q) => p * q, 1);

const convolution = (isTransposed: boolean) => (make: Maker): void => {
  const { random } = make;
  const size = [random.int(3, 6), random.int(3, 6), random.int(3, 6)];
  const kernel = [...random.pick([[1, 1, 1], [3, 3, 3], [2, 3, 1], [3, 1, 2]])];
  const stride = kernel.map((k) => random.int(1, Math.min(2, k)));
  const padding = random.pick(['SAME', 'VALID']);
  if (isTransposed && padding === 'SAME') {
    // TensorFlow Lite crops as much behind the last slice as before the first row
    kernel[1] = kernel[0]!;
    stride[1] = stride[0]!;
  }
  const out = size.map((s, i) => {
    if (isTransposed) return padding === 'SAME' ? s * stride[i]! : (s - 1) * stride[i]! + kernel[i]!;
    return Math.ceil((padding === 'SAME' ? s : s - kernel[i]! + 1) / stride[i]!);
  });
  const [ci, co] = [random.int(1, 6), random.int(1, 6)];
  const x = make.input([1, ...size, ci], -2, 2);
  const w = make.weights([...kernel, ...(isTransposed ? [co, ci] : [ci, co])], null);
  const high = 1.5 * Math.sqrt(elements(kernel) * ci) + 1;
  const y = make.output([1, ...out, co], -high, high);
  const options = { padding, strideD: stride[0], strideH: stride[1], strideW: stride[2] };
  if (isTransposed) make.emit('CONV_3D_TRANSPOSE', [make.integers([1, ...out, co]), w, x], [y], options);
  else make.emit('CONV_3D', [x, w, make.bias(co, x, w)], [y], options);
};

export const volumes: Record<string, (make: Maker) => void> = {
  CONV_3D: convolution(false),
  CONV_3D_TRANSPOSE: convolution(true),
};

export const volumeTypes: Record<string, readonly ElementType[] | undefined> = {
  CONV_3D: ['float32'],
  CONV_3D_TRANSPOSE: ['float32'],
};
