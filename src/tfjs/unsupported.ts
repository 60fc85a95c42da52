import { KletError } from '../errors';

// The parts of TensorFlow.js that kinglet/tfjs does not have. They are there by name, so that a
// program fails with advice, and not because undefined is no function.

const ADVICE =
  'it has what feeds a network and reads its outputs (docs/switching.md). Do this with TensorFlow.js, whose '
  + 'tensors predict() takes too, on the arrays of dataSync(), or in the network before it is converted';

function refuse(name: string): KletError {
  return new KletError('BAD_ARGUMENT', `kinglet/tfjs has no ${name}: ${ADVICE}`);
}

/** What engines and tools read of any object. */
const looked = new Set<PropertyKey>(['then', 'toJSON', 'prototype', 'constructor', '$$typeof', 'asymmetricMatch',
  'nodeType', 'tagName', '@@__IMMUTABLE_ITERABLE__@@', '@@__IMMUTABLE_RECORD__@@']);

/** A function, class or namespace that throws when it is called, or when a member is called. */
export function unsupportedTf(name: string): never {
  return new Proxy(function() {} as () => never, {
    apply: () => {
      throw refuse(`${name}()`);
    },
    construct: () => {
      throw refuse(name);
    },
    get: (target, member) => {
      if (typeof member === 'symbol' || looked.has(member) || member in target) {
        return (target as unknown as Record<PropertyKey, unknown>)[member];
      }
      return unsupportedTf(`${name}.${member}`);
    },
  }) as never;
}

/** A namespace with some of the members; others throw when they are called. */
export function namespace<T extends object>(name: string, members: T): T {
  return new Proxy(members, {
    get: (target, member) => {
      if (typeof member === 'symbol' || looked.has(member) || member in target) return target[member as keyof T];
      return unsupportedTf(`${name}.${member}`);
    },
  });
}

/** Every name of TensorFlow.js, as something that throws. */
const named: Readonly<Record<string, never>> = {};
export const unsupportedNames = new Proxy(named, { get: (_, name) => unsupportedTf(`tf.${String(name)}`) });
