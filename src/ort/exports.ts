export { KletError, type KletErrorCode } from '../errors';
export type { Compiler, CompilerSource } from '../switching/network';
export { env, type Env } from './env';
export { InferenceSession, type InferenceSessionFactory } from './session';
export { Tensor, type TensorConstructor, type TypedTensor } from './tensor';
