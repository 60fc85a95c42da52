import type { ForeignMeta } from './importer';

// The description that Ultralytics stores with its exports: a dictionary of Python in the archive
// behind a TFLite file, and the same entries in the metadata of an ONNX file
// (docs.ultralytics.com/modes/export).

type Value = string | number | boolean | null | Value[] | Map<Value, Value>;

/**
 * Reads a literal of Python: dictionaries, lists, tuples, strings, numbers, True, False and None.
 *
 * @returns undefined for other texts
 */
export function pythonLiteral(text: string): Value | undefined {
  const tokens = text.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|True|False|None|[[\](){},:]|[^\s]/g) ??
    [];
  let at = 0;
  const take = (token: string): boolean => tokens[at] === token && ++at > 0;
  const fail = (): never => {
    throw new SyntaxError(`unexpected ${tokens[at] ?? 'end'}`);
  };
  const list = (end: string): Value[] => {
    const values: Value[] = [];
    while (!take(end)) {
      values.push(value());
      if (!take(',') && tokens[at] !== end) fail();
    }
    return values;
  };
  const dictionary = (): Map<Value, Value> => {
    const entries = new Map<Value, Value>();
    while (!take('}')) {
      const key = value();
      if (!take(':')) fail();
      entries.set(key, value());
      if (!take(',') && tokens[at] !== '}') fail();
    }
    return entries;
  };
  const words: Record<string, Value> = { True: true, False: false, None: null };
  const value = (): Value => {
    const token = tokens[at++] ?? fail();
    if (token === '{') return dictionary();
    if (token === '[' || token === '(') return list(token === '[' ? ']' : ')');
    if (/^['"]/.test(token)) return token.slice(1, -1).replace(/\\(.)/g, '$1');
    if (Object.hasOwn(words, token)) return words[token]!;
    return Number.isFinite(Number(token)) ? Number(token) : fail();
  };
  try {
    const found = value();
    return at === tokens.length ? found : undefined;
  } catch (error) {
    // the stack of a hostile text may be deep, too
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Labels, preprocessing and task of the entries that Ultralytics writes; else nothing. */
export function ultralyticsMeta(entry: (name: string) => Value | undefined): ForeignMeta {
  const names = entry('names');
  const task = entry('task');
  if (!(names instanceof Map) || typeof task !== 'string') return {};
  const labels = Array.from({ length: names.size }, (_, i) => names.get(i));
  if (!labels.every((label) => typeof label === 'string')) return {};
  const image = { kind: 'image', channels: 3, scale: 1 / 255, offset: 0 } as const;
  if (task === 'classify') {
    return { labels, preprocessing: { ...image, fit: 'crop', resize: 'pil' }, task: { kind: 'classify' } };
  }
  const preprocessing = { ...image, fit: 'letterbox', pad: 114, resize: 'opencv' } as const;
  // masks are found by their prototypes
  if (task === 'detect' || task === 'segment') return { labels, preprocessing, task: { kind: 'detect' } };
  const shape = entry('kpt_shape');
  const keypoints = Array.isArray(shape) && shape[1] === 3 ? shape[0] : undefined;
  if (task !== 'pose' || typeof keypoints !== 'number') return { labels, preprocessing };
  return { labels, preprocessing, task: { kind: 'detect', keypoints } };
}
