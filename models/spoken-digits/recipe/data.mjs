/**
 * Recordings of spoken digits from a folder with the layout of the Free Spoken Digit Dataset
 * (`<digit>_<speaker>_<n>.wav`, 8 kHz, 16 bit, mono), in the split that all scripts here use.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const RATE = 8000;
export const CLASSES = 10;
/** The default folder, which the tests use too; every script accepts --data. */
export const FOLDER = fileURLToPath(new URL('../../../../shared/data/spoken-digits', import.meta.url));

const STRANGERS = 2; // number of speakers, the last ones by name
const HELD_OUT = 5; // recordings n < 5 of every digit of a known speaker, as the data set's authors suggest
const VALIDATION = 10; // recordings 5 <= n < 10

/**
 * `strangers` and `known` are for the final figures only, never for training or selection.
 *
 * @returns { train, validation, known, strangers }: lists of { digit, speaker, number, samples: f32
 *   in -1..1 }
 */
export function loadRecordings(folder = FOLDER) {
  const recordings = readdirSync(folder).map((file) => [file, /^(\d)_([a-z]+)_(\d+)\.wav$/.exec(file)]).filter((
    [, match],
  ) => match).map(([file, [, digit, speaker, number]]) => ({
    digit: +digit,
    speaker,
    number: +number,
    samples: readWav(path.join(folder, file)),
  })).sort((a, b) => a.speaker.localeCompare(b.speaker) || a.digit - b.digit || a.number - b.number);
  const speakers = [...new Set(recordings.map(({ speaker }) => speaker))].sort();
  const stranger = new Set(speakers.slice(-STRANGERS));
  const familiar = recordings.filter(({ speaker }) => !stranger.has(speaker));
  return {
    train: familiar.filter(({ number }) => number >= VALIDATION),
    validation: familiar.filter(({ number }) => number >= HELD_OUT && number < VALIDATION),
    known: familiar.filter(({ number }) => number < HELD_OUT),
    strangers: recordings.filter(({ speaker }) => stranger.has(speaker)),
  };
}

/** Reads a 16-bit mono WAV file whose data chunk follows its format chunk. */
function readWav(file) {
  const bytes = readFileSync(file);
  const length = bytes.readUInt32LE(40) >> 1;
  return Float32Array.from({ length }, (_, i) => bytes.readInt16LE(44 + 2 * i) / 32768);
}
