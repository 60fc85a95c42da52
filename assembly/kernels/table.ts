/** a u8 [n] → out u8 [n] = table[a], table u8 [256]. `out` may equal `a`. */
export function table_u8(a: usize, out: usize, n: i32, table: usize): void {
  let i = 0;
  for (; i <= n - 4; i += 4) {
    const p = a + i;
    const q = out + i;
    const x0 = load<u8>(table + load<u8>(p)), x1 = load<u8>(table + load<u8>(p, 1));
    const x2 = load<u8>(table + load<u8>(p, 2)), x3 = load<u8>(table + load<u8>(p, 3));
    store<u8>(q, x0);
    store<u8>(q, x1, 1);
    store<u8>(q, x2, 2);
    store<u8>(q, x3, 3);
  }
  for (; i < n; i++) store<u8>(out + i, load<u8>(table + load<u8>(a + i)));
}
