// The loads and stores of AssemblyScript on the memory of a model, for the descriptions of records
// that src/build/records.mjs compiles from assembly/.

let bytes = new Uint8Array(0);
let halves = new Uint16Array(0);
let ints = new Int32Array(0);
let words = new Uint32Array(0);
let floats = new Float32Array(0);
let doubles = new Float64Array(0);

/** Makes the functions below read this memory. */
export function readFrom(memory: ArrayBuffer): void {
  bytes = new Uint8Array(memory);
  halves = new Uint16Array(memory);
  ints = new Int32Array(memory);
  words = new Uint32Array(memory);
  floats = new Float32Array(memory);
  doubles = new Float64Array(memory);
}

export function load_u8(at: number): number {
  return bytes[at]!;
}

export function load_u16(at: number): number {
  return halves[at >> 1]!;
}

export function load_i32(at: number): number {
  return ints[at >> 2]!;
}

export function load_u32(at: number, offset = 0): number {
  return words[(at + offset) >> 2]!;
}

export function load_f32(at: number): number {
  return floats[at >> 2]!;
}

export function load_f64(at: number): number {
  return doubles[at >> 3]!;
}

export function store_i32(at: number, value: number): void {
  ints[at >> 2] = value;
}

export function store_u32(at: number, value: number): void {
  words[at >> 2] = value;
}

export function store_f64(at: number, value: number): void {
  doubles[at >> 3] = value;
}
