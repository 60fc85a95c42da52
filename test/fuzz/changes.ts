import type { Random } from '../helpers/random';

// Changes that all targets share.

/** Integers at limits that checks often miss. */
export const numbers = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 64, 127, 128, 255, 256, 1000, 4095, 65535, 65536,
  1 << 20, 1 << 24, 1 << 28, 1 << 30, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffffe, 0xfffffff0,
  0xffffff80, 0xffff8000, 0xc0000000];

/** Bits of floats: NaN, infinities, the smallest and the largest number, −0, 1, −1. */
export const floats = [0x7fc00000, 0xffc00000, 0x7f800000, 0xff800000, 1, 0x7f7fffff, 0xff7fffff, 0x80000000,
  0x3f800000, 0xbf800000, 0x33000000];

/** Changes an aligned u32 of a part of a file. */
export function changeWord(random: Random, file: Uint8Array, offset: number, length: number): void {
  if (length < 4) return changeByte(random, file, offset, length);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const place = (): number => offset + random.int(0, (length >> 2) - 1) * 4;
  const at = place();
  view.setUint32(at, otherWord(random, view.getUint32(at, true), () => view.getUint32(place(), true)) >>> 0, true);
}

/** A value in place of a u32. */
export function otherWord(random: Random, old: number, another: () => number): number {
  return random.pick([() => random.pick(numbers), () => random.pick(numbers), () => random.pick(floats),
    () => old + random.pick([1, -1, 2, -2, 4, -4, 16, -16, 64]), () => -old, () => old * random.pick([2, 3, 10]),
    () => old >>> 1, () => old ^ (1 << random.int(0, 31)), () => random.int(0, 0xffffffff), another])();
}

export function changeByte(random: Random, file: Uint8Array, offset: number, length: number): void {
  if (length < 1) return;
  const at = offset + random.int(0, length - 1);
  file[at] = random.pick([() => file[at]! ^ (1 << random.int(0, 7)), () => random.int(0, 255),
    () => random.pick([0, 1, 127, 128, 255])])();
}

/** Changes some bytes, cuts, lengthens or repeats. */
export function changeBytes(random: Random, original: Uint8Array): Uint8Array {
  const file = original.slice();
  const { length } = file;
  if (length === 0) return Uint8Array.of(random.int(0, 255));
  switch (random.int(0, 11)) {
    case 0:
      return file.subarray(0, random.int(0, length - 1));
    case 1:
      return join(file, Uint8Array.from({ length: random.int(1, 20) }, () => random.int(0, 255)));
    case 2: {
      const at = random.int(0, length - 1);
      return file.fill(random.pick([0, 255]), at, at + random.int(1, 64));
    }
    case 3: {
      const from = random.int(0, length - 1);
      return file.copyWithin(random.int(0, length - 1), from, from + random.int(1, 256));
    }
    case 4: {
      const at = random.int(0, length - 1);
      return join(file.subarray(0, at), file.subarray(at + random.int(1, 16)));
    }
    default:
      // the beginning holds most of the structure
      for (let n = random.int(1, 3); n > 0; n--) {
        const part = random.next() < 0.3 ? Math.min(length, 512) : length;
        if (random.next() < 0.5) changeWord(random, file, 0, part);
        else changeByte(random, file, 0, part);
      }
      return file;
  }
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const values: (() => Json)[] = [() => null, () => true, () => false, () => -1, () => 0, () => 1, () => 1.5, () => -0.5,
  () => 2 ** 31, () => 2 ** 32, () => 2 ** 53, () => 1e308, () => 5e-324, () => '', () => 'x', () => '__proto__',
  () => 'constructor', () => '\u001b[2J\u202e', () => 'x'.repeat(3000), () => [], () => ({}), () => [null],
  () => [[1, [2]]], () => ({ length: 3 }), () => [65536, 65536], () => new Array<Json>(300).fill(1)];

interface Place {
  owner: Json[] | { [name: string]: Json };
  key: string;
}

function placesIn(value: Json): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((key) => {
    const owner = value;
    return [{ owner, key }, ...placesIn((owner as Record<string, Json>)[key]!)];
  });
}

/** Changes a text of JSON by its structure; a text of something else by its bytes. */
export function changeJson(random: Random, text: Uint8Array): Uint8Array {
  let root: { root: Json };
  try {
    root = { root: JSON.parse(new TextDecoder().decode(text)) as Json };
  } catch {
    return changeBytes(random, text);
  }
  for (let n = random.pick([1, 1, 1, 2, 3]); n > 0; n--) changeValue(random, root);
  let changed = JSON.stringify(root.root) ?? 'null';
  if (random.next() < 0.05) changed = changed.replace(/\d+/, random.pick(['1e999', '-1e999', '01', '1e-999', 'NaN']));
  if (random.next() < 0.02) changed = `${'['.repeat(5000)}${changed}`;
  return new TextEncoder().encode(changed);
}

function changeValue(random: Random, root: { root: Json }): void {
  const places = placesIn(root);
  const { owner, key } = random.pick(places);
  const record = owner as Record<string, Json>;
  const old = record[key];
  const set = (value: Json): void => {
    record[key] = value;
  };
  const other = (): Json => {
    const place = random.pick(places);
    return structuredClone((place.owner as Record<string, Json>)[place.key] ?? null);
  };
  random.pick([() => set(random.pick(values)()), () => set(random.pick(values)()), () => {
    if (Array.isArray(owner)) owner.splice(Number(key), 1);
    else if (owner !== root) delete record[key];
  }, () => set(other()), () => {
    if (typeof old === 'number') set(old + random.pick([1, -1, 4, -4]));
    else if (Array.isArray(old)) old.push(old.length > 0 ? structuredClone(random.pick(old)) : 1);
    else if (typeof old === 'string') set(random.pick([old.slice(1), old + old, old.toUpperCase(), `${old}0`]));
    else if (typeof old === 'object' && old !== null) old[random.pick(['__proto__', 'x', 'name', 'length'])] = other();
  }, () => {
    if (typeof old === 'number') set(random.pick([-old, old * 2, old / 2, old * 65536, random.pick(numbers)]));
    else set(other());
  }])();
}
