// Runs under a Content-Security-Policy and writes the result to the page's title.
import { load } from '/dist/browser.js';
import { outcome } from './probe.js';

const evaluated = await outcome(() => (0, eval)('1'));
const loaded = await outcome(async () => {
  const model = await load('/digits.klet');
  return { flavor: model.info.flavor, selfTest: model.selfTest() };
});
document.title = JSON.stringify({ evaluated, loaded });
