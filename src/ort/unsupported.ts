import { KletError } from '../errors';

/** The error of a part of onnxruntime-web that kinglet does not have. */
export function unsupported(name: string, advice: string): KletError {
  return new KletError('BAD_ARGUMENT', `kinglet/ort has no ${name}: ${advice}`);
}
