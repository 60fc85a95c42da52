// Runs a script in QuickJS, which is compiled to WebAssembly and runs in Node.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [script, modules] = process.argv.slice(2);
const { getQuickJS } = createRequire(modules)('quickjs-emscripten');
const context = (await getQuickJS()).newContext();
const print = context.newFunction('print', (text) => console.log(context.dump(text)));
context.setProp(context.global, 'print', print);
const { error } = context.evalCode(readFileSync(script, 'utf8'), script);
if (error) console.log(JSON.stringify(context.dump(error)));
process.exit();
