// Writes the files that the examples need into the folder build/ of each board.
//
//     node examples/boards/prepare.mjs
//
// gestures.js and gestures.bin are the network, for Espruino the small one. simulated.js is a
// recording of the simulator in models/gestures/recipe with every gesture once, for boards and
// desktops without a sensor.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toScript } from '../../dist/compiler.js';
import { LABELS, recordStream } from '../../models/gestures/recipe/data.mjs';

const folder = import.meta.dirname;
const recognizer = readFileSync(path.join(folder, 'recognizer.js'), 'utf8');

const SEED = 2; // of a person whose gestures are all recognized
const { input } = recordStream(SEED, LABELS.slice(1)); // all but none
const simulated = `// Simulated samples, 50 a second: x, y, z in steps of 1/32 g. startSensor(push) hands over all at
// once.
var startSensor = function(push) {
  var samples = [${wrapped(input)}];
  for (var i = 0; i < samples.length; i += 3) push(samples[i], samples[i + 1], samples[i + 2]);
};
if (typeof module === 'object' && module.exports) module.exports = startSensor;
`;

// Moddable and Espruino map the weights from flash
let apart = scriptOf('gestures.klet', 'apart');
write('moddable', {
  'gestures.js': asModule(apart.code, 'gestures'),
  'gestures.bin': apart.weights,
  'recognizer.js': asModule(recognizer, 'createRecognizer'),
  'simulated.js': asModule(simulated, 'startSensor'),
});
apart = scriptOf('gestures-small.klet', 'apart');
write('espruino', {
  'gestures.js': apart.code,
  'gestures.bin': apart.weights,
  'recognizer.js': recognizer,
  'simulated.js': simulated,
});
// Kaluma flashes one bundle, with the weights inside
write('kaluma', {
  'gestures.js': scriptOf('gestures.klet', 'inside').code,
  'recognizer.js': recognizer,
  'simulated.js': simulated,
});

function scriptOf(model, weights) {
  const klet = readFileSync(path.join(folder, '../../models/gestures', model));
  return toScript(new Uint8Array(klet), { name: 'gestures', weights });
}

function write(board, files) {
  const target = path.join(folder, board, 'build');
  mkdirSync(target, { recursive: true });
  for (const [name, contents] of Object.entries(files)) {
    writeFileSync(path.join(target, name), contents);
    console.log(`${path.relative('.', path.join(target, name))}  ${contents.length} bytes`);
  }
}

/** Moddable takes modules only. */
function asModule(script, name) {
  return `${script}export default ${name};\n`;
}

/** Numbers in lines of 100 characters or less. */
function wrapped(numbers) {
  const lines = [''];
  for (const number of numbers) {
    const text = `${number},`;
    if (lines.at(-1).length + text.length > 96) lines.push('');
    lines[lines.length - 1] += text;
  }
  return `\n    ${lines.join('\n    ').replace(/,$/, '')}\n  `;
}
