// A bundler's input for a page.
import { loadSync } from 'kinglet';

export function selfTest(bytes) {
  return loadSync(bytes).selfTest();
}
