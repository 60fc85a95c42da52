// Typed arrays as the engine sees them. Unlike `instanceof` and `.length`, these getters run no
// code of the caller. They recognize arrays of other realms, such as frames and test runners.

export type TypedArray = Exclude<ArrayBufferView, DataView>;

const prototype = Object.getPrototypeOf(Float32Array.prototype) as object;
const descriptorOf = (key: string | symbol): PropertyDescriptor => Object.getOwnPropertyDescriptor(prototype, key)!;
const typeGetter = descriptorOf(Symbol.toStringTag);
const lengthGetter = descriptorOf('length');

/** Name of a typed array's type, such as `Int8Array`, or undefined for another value. */
export function typeOf(value: unknown): string | undefined {
  return typeGetter.get!.call(value) as string | undefined;
}

export function isTyped(value: unknown): value is TypedArray {
  return typeOf(value) !== undefined;
}

/** Number of elements of a typed array: 0 if its buffer was transferred. */
export function lengthOf(array: TypedArray): number {
  return lengthGetter.get!.call(array) as number;
}
