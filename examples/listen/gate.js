// Decides when an answer is shown, because a network has scores for every sound, even for silence.

export const LOUD = -50; // decibels of full scale; words of a quiet speaker reach −45
const SURE = 0.5; // noise rarely gets higher scores
const HOLD = 2000; // milliseconds that an answer stays after the sound
const PAUSE = 150; // milliseconds until a sound has ended

/** Decibels of full scale. */
export const decibels = (amplitude) => 20 * Math.log10(Math.max(amplitude, 1e-9));

export function makeGate() {
  let loudAt = -Infinity;
  let answer;
  return {
    /** Takes a level of the signal and its time in milliseconds. */
    hear(rms, now) {
      if (decibels(rms) >= LOUD) loudAt = now;
    },
    /**
     * @returns {{ scores?: Float32Array, best?: number }} what to show; no scores without a sound,
     *   no best class without a high score. An answer outlasts the silence that follows it.
     */
    judge(scores, now) {
      const silence = now - loudAt;
      const best = scores.indexOf(Math.max(...scores));
      if (silence > HOLD) {
        answer = undefined;
        return {};
      }
      if (scores[best] >= SURE) answer = { scores, best };
      else if (silence < PAUSE) answer = undefined;
      return answer ?? { scores };
    },
  };
}
