/** Parameters of a training on the command line. */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * Reads `--name value` for every parameter that has a default, or `--name` for one whose default is
 * false. A default that is a number makes the parameter a number.
 *
 * @param defaults { name: number, string or false }; undefined stands for a string that may be
 *   absent
 * @param args by default those of the program
 * @returns { name: value }
 * @throws TypeError for an unknown name, or text in place of a number
 */
export function parametersOf(defaults, args = process.argv.slice(2)) {
  const names = Object.keys(defaults);
  const options = names.map((name) => [name, { type: defaults[name] === false ? 'boolean' : 'string' }]);
  const { values } = parseArgs({ args, options: Object.fromEntries(options) });
  return Object.fromEntries(names.map((name) => {
    const given = values[name];
    if (given === undefined) return [name, defaults[name]];
    if (typeof defaults[name] !== 'number') return [name, given];
    const number = Number(given);
    if (given.trim() === '' || Number.isNaN(number)) throw new TypeError(`--${name} must be a number, not "${given}"`);
    return [name, number];
  }));
}

/**
 * Reads the bits of weights by layer, as `4` or `4,stem:8,dense:8`, where the first is that of all
 * layers without their own.
 *
 * @param layers the names of all layers with weights
 * @returns a function (name of a layer) → bits
 * @throws RangeError for a layer that is not among `layers`
 */
export function bitsByLayer(text, layers) {
  const [common, ...own] = String(text).split(',');
  const byName = new Map(own.map((part) => {
    const [name, bits] = part.split(':');
    if (!layers.includes(name)) throw new RangeError(`no layer "${name}" has weights; ${layers.join(', ')} have`);
    return [name, Number(bits)];
  }));
  return (name) => byName.get(name) ?? Number(common);
}

/** Whether the module of this `import.meta.url` is the program, and not imported by another. */
export function isProgram(url) {
  return url === pathToFileURL(process.argv[1] ?? '').href;
}
