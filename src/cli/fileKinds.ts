// Kinds of files that users give as inputs, recognized by their first bytes, for messages.

interface FileKind {
  /** With its article. */
  name: string;
  medium?: 'image' | 'sound';
  /** Matches the first bytes as Latin-1 text. */
  magic: RegExp;
  /** What to do, if kinglet does not read it as an input; for sound with its sample rate. */
  advice?: string | ((sampleRate?: number) => string);
}

const asImage = 'kinglet reads PNG, JPEG and BMP: save it as one of these, for example with magick';
const asSound = (sampleRate?: number): string =>
  `kinglet reads WAV: convert it, for example with ffmpeg -i IN ${
    sampleRate === undefined ? '' : `-ar ${sampleRate} `
  }-ac 1 OUT.wav (a page has decodeAudioData for it)`;

const kinds: readonly FileKind[] = [{ name: 'a PNG image', medium: 'image', magic: /^\x89PNG/ }, {
  name: 'a JPEG image',
  medium: 'image',
  magic: /^\xff\xd8\xff/,
}, { name: 'a BMP image', medium: 'image', magic: /^BM[^]{4}\0\0\0\0/ }, {
  name: 'a WAV recording',
  medium: 'sound',
  magic: /^(RIFF|RIFX|RF64)[^]{4}WAVE/,
}, { name: 'a .npy array', magic: /^\x93NUMPY/ }, {
  name: 'a WebP image',
  medium: 'image',
  magic: /^RIFF[^]{4}WEBP/,
  advice: asImage,
}, { name: 'a GIF image', medium: 'image', magic: /^GIF8[79]a/, advice: asImage }, {
  name: 'a TIFF image',
  medium: 'image',
  magic: /^(II\*\0|MM\0\*)/,
  advice: asImage,
}, { name: 'an AVIF image', medium: 'image', magic: /^[^]{4}ftypavi[fs]/, advice: asImage }, {
  name: 'a HEIC image',
  medium: 'image',
  magic: /^[^]{4}ftyp(hei[cxms]|mif1)/,
  advice: asImage,
}, { name: 'an SVG drawing', medium: 'image', magic: /^\s*(<\?xml[^>]*>\s*)?<svg/, advice: asImage }, {
  name: 'an MP3 recording',
  medium: 'sound',
  magic: /^(ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb])/,
  advice: asSound,
}, { name: 'an AAC recording', medium: 'sound', magic: /^(\xff[\xf0\xf1\xf8\xf9]|ADIF)/, advice: asSound }, {
  // the first page of a stream holds the header of its codec (RFC 3533, RFC 7845)
  name: 'an Opus recording',
  medium: 'sound',
  magic: /^OggS[^]{24}OpusHead/,
  advice: asSound,
}, { name: 'an Ogg Vorbis recording', medium: 'sound', magic: /^OggS[^]{25}vorbis/, advice: asSound }, {
  name: 'an Ogg recording',
  medium: 'sound',
  magic: /^OggS/,
  advice: asSound,
}, { name: 'a FLAC recording', medium: 'sound', magic: /^fLaC/, advice: asSound }, {
  name: 'an M4A recording (AAC)',
  medium: 'sound',
  magic: /^[^]{4}ftypM4A /,
  advice: asSound,
}, { name: 'an MP4 file', magic: /^[^]{4}ftyp/, advice: asSound }, {
  name: 'an AIFF recording',
  medium: 'sound',
  magic: /^FORM[^]{4}AIF[FC]/,
  advice: asSound,
}, { name: 'a Matroska or WebM file', magic: /^[^]\x45\xdf\xa3/, advice: asSound }, {
  name: 'a .npz archive or another ZIP file',
  magic: /^PK[^][^]/,
  advice: 'unpack it, or save one array with numpy.save',
}, { name: 'a PDF document', magic: /^%PDF/, advice: 'save the image in it as PNG' }, {
  name: 'a Git LFS pointer, not the file itself',
  magic: /^version https:\/\/git-lfs/,
  advice: 'fetch the file with git lfs pull',
}, { name: 'a .klet network', magic: /^KLET/, advice: 'it goes before --input' }, {
  name: 'a .tflite network',
  magic: /^[^]{4}TFL3/,
  advice: 'it goes before --input',
}];

const HEAD = 256;

function kindOf(bytes: Uint8Array): FileKind | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, HEAD));
  return kinds.find(({ magic }) => magic.test(text));
}

/** Whether a file is an image or a recording. */
export function mediumOf(bytes: Uint8Array): 'image' | 'sound' | undefined {
  return kindOf(bytes)?.medium;
}

/** Names the kind of a file, with its article; undefined if it is not known. */
export function fileKind(bytes: Uint8Array): string | undefined {
  return kindOf(bytes)?.name;
}

/**
 * Names a kind that kinglet does not read as an input, and says what to do.
 *
 * @param sampleRate of the network, if it takes sound
 */
export function unreadable(bytes: Uint8Array, sampleRate?: number): string | undefined {
  const kind = kindOf(bytes);
  if (!kind?.advice) return undefined;
  return `${kind.name}; ${typeof kind.advice === 'string' ? kind.advice : kind.advice(sampleRate)}`;
}
