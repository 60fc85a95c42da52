import { anonymous, type Dimension } from '../shared/inputShapes';
import type { ValueInfoProto } from './onnx_pb';

/** The dimensions of an input, or undefined if not even their number is known. */
export function dimensionsOf({ type }: ValueInfoProto): Dimension[] | undefined {
  if (type?.value.case !== 'tensorType') return [];
  return type.value.value.shape?.dim.map(({ value }, i) => {
    if (value.case === 'dimValue' && value.value > 0n) return Number(value.value);
    return value.case === 'dimParam' && value.value !== '' ? value.value : anonymous(i);
  });
}
