import { gridSampler } from './grid';
import { drawn, type Sampler } from './sampler';

/** Draws that may repeat known trials, before the remaining ones are enumerated. */
const ATTEMPTS = 200;

/** Random search (Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", 2012). */
export const randomSampler: Sampler = (situation) => {
  const { axes, random, isKnown } = situation;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const values = axes.values(({ parameter }) => drawn(parameter, random));
    if (!isKnown(values)) return values;
  }
  return gridSampler(situation);
};
