/** Decodes base64 without `atob`, which worklets lack. */
export function fromBase64(text: string): Uint8Array {
  const values = new Uint8Array(128);
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.split('').forEach((c, i) => { values[c.charCodeAt(0)] = i; });
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array(text.length / 4 * 3 - padding);
  for (let i = 0, o = 0; i < text.length; i += 4) {
    const v = values[text.charCodeAt(i)]! << 18 | values[text.charCodeAt(i + 1)]! << 12 | values[text.charCodeAt(i + 2)]! << 6 | values[text.charCodeAt(i + 3)]!;
    bytes[o++] = v >> 16;
    bytes[o++] = v >> 8;
    bytes[o++] = v;
  }
  return bytes;
}
