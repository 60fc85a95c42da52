import { isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import type { Attributes, OperatorName } from './operators';

// The attributes of every operator, with their forms, to check the nodes that callers pass.

/** The form that an attribute must have. `?` marks an optional attribute. */
type Form = 'a number' | 'two numbers' | 'four numbers' | 'an array of numbers' | 'a string' | 'true or false'
  | 'a scale and a zero point';
type Optional = `${Form}?`;

type Row<A> = { [N in keyof A]-?: undefined extends A[N] ? Optional : Form };

const sliding = { stride: 'two numbers', padding: 'four numbers', activation: 'a string' } as const;
const convolution = { ...sliding, dilation: 'two numbers', hybrid: 'a string?' } as const;
const sequence = { timeMajor: 'true or false', reverse: 'true or false', hybrid: 'a string?' } as const;
const pool = { ...sliding, kernel: 'two numbers' } as const;

const forms = {
  argmax: { axis: 'a number', kind: 'a string' },
  arithmetic: { kind: 'a string' },
  averagePool2d: pool,
  batchMatmul: { transposeA: 'true or false', transposeB: 'true or false' },
  binary: { kind: 'a string', activation: 'a string' },
  broadcastTo: {},
  cast: {},
  compare: { kind: 'a string' },
  concat: { axis: 'a number', activation: 'a string' },
  conv2d: { ...convolution, groups: 'a number' },
  depthToSpace: { blockSize: 'a number' },
  depthwiseConv2d: convolution,
  dequantize: {},
  fullyConnected: { activation: 'a string', hybrid: 'a string?' },
  gather: { axis: 'a number', batchDims: 'a number' },
  gatherNd: {},
  gru: { ...sequence, resetAfter: 'true or false' },
  l2Normalize: { epsilon: 'a number' },
  logSoftmax: {},
  logic: { kind: 'a string' },
  lstm: {
    ...sequence,
    activation: 'a string',
    cellClip: 'a number',
    projectionClip: 'a number',
    cellScale: 'a number?',
    hidden: 'a scale and a zero point?',
    gateScales: 'an array of numbers?',
  },
  maxPool2d: pool,
  pad: { before: 'an array of numbers', after: 'an array of numbers', mode: 'a string', value: 'a number' },
  prelu: {},
  quantize: {},
  reduce: { kind: 'a string', axes: 'an array of numbers' },
  reshape: {},
  resize2d: { mode: 'a string', alignCorners: 'true or false', halfPixelCenters: 'true or false' },
  rnn: { ...sequence, activation: 'a string' },
  select: {},
  slice: { begin: 'an array of numbers', stride: 'an array of numbers' },
  softmax: { beta: 'a number' },
  spaceToDepth: { blockSize: 'a number' },
  split: { axis: 'a number' },
  svdf: { ...sequence, rank: 'a number', activation: 'a string', stateScale: 'a number?' },
  transpose: { perm: 'an array of numbers' },
  transposeConv2d: sliding,
  unary: { kind: 'a string', alpha: 'a number?' },
} as const satisfies { [K in OperatorName]: Row<Attributes[K]> };

/**
 * Checks that a node has the attributes of its operator, and their types.
 *
 * @throws KletError `INVALID_GRAPH`; nothing for an operator that kinglet does not have
 */
export function checkAttributes(op: string, name: string, attributes: Record<string, unknown>): void {
  if (!Object.hasOwn(forms, op)) return;
  for (const [attribute, wanted] of Object.entries<Form | Optional>(forms[op as OperatorName])) {
    const value = attributes[attribute];
    if (wanted.endsWith('?') && value === undefined) continue;
    const form = wanted.replace('?', '') as Form;
    if (hasForm(value, form)) continue;
    throw new KletError('INVALID_GRAPH', `${op} "${name}" needs ${form} as ${attribute}, not ${show(value)}`);
  }
}

const isNumber = (value: unknown): boolean => typeof value === 'number' && !Number.isNaN(value);

function areNumbers(value: unknown, count?: number): boolean {
  return isArrayOf(value, isNumber) && (count === undefined || count === value.length);
}

function hasForm(value: unknown, form: Form): boolean {
  switch (form) {
    case 'a number':
      return isNumber(value);
    case 'two numbers':
      return areNumbers(value, 2);
    case 'four numbers':
      return areNumbers(value, 4);
    case 'an array of numbers':
      return areNumbers(value);
    case 'a string':
      return typeof value === 'string';
    case 'true or false':
      return typeof value === 'boolean';
    case 'a scale and a zero point': {
      const { scale, zeroPoint } = (value ?? {}) as { scale?: unknown; zeroPoint?: unknown };
      return isNumber(scale) && isNumber(zeroPoint);
    }
  }
}
