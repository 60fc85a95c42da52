/**
 * Measures the final accuracy, on recordings used neither for training nor for selection. As a
 * program, it measures the float network:
 *
 *     node measure.mjs [--data FOLDER]
 */
import { loadFloatNetwork } from '../../training/floatNetwork.mjs';
import { isProgram, parametersOf } from '../../training/parameters.mjs';
import { CLASSES, FOLDER, loadRecordings } from './data.mjs';
import { logMel } from './features.mjs';
import { FLOAT_NETWORK, argmax, lastScores } from './float-network.mjs';

/**
 * @param answer (recording) → recognized digit
 * @returns shares { known, strangers, <each stranger> } and the strangers' confusion matrix
 *   [spoken][recognized]
 */
export function measure({ known, strangers }, answer) {
  const confusion = Array.from({ length: CLASSES }, () => new Array(CLASSES).fill(0));
  const perSpeaker = {};
  for (const recording of strangers) {
    const heard = answer(recording);
    confusion[recording.digit][heard]++;
    const right = (perSpeaker[recording.speaker] ??= { right: 0, count: 0 });
    right.count++;
    if (heard === recording.digit) right.right++;
  }
  const knownRight = known.filter((recording) => answer(recording) === recording.digit).length;
  const strangersRight = Object.values(perSpeaker).reduce((sum, { right }) => sum + right, 0);
  return {
    shares: {
      known: share(knownRight, known.length),
      strangers: share(strangersRight, strangers.length),
      ...Object
        .fromEntries(Object.entries(perSpeaker).map(([speaker, { right, count }]) => [speaker, share(right, count)])),
    },
    confusion,
  };
}

/** A share, rounded to four decimals. */
function share(right, count) {
  return Math.round((right / count) * 1e4) / 1e4;
}

if (isProgram(import.meta.url)) {
  const options = parametersOf({ data: FOLDER });
  const network = loadFloatNetwork(FLOAT_NETWORK);
  const { shares, confusion } = measure(
    loadRecordings(options.data),
    ({ samples }) => argmax(lastScores(network, logMel(samples))),
  );
  console.table({ float: shares });
  console.log('strangers: rows are spoken digits, columns recognized digits');
  console.table(confusion);
}
