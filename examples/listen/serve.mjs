// Serves a page that listens, on this machine only: node examples/listen/serve.mjs keywords.klet [--port 8080]
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '../digits/serve.mjs';

const PAGE = '/examples/listen/';
const { values, positionals: [model] } = parseArgs({ allowPositionals: true, options: { port: { type: 'string', default: '8080' } } });

if (model === undefined || !existsSync(model)) {
  console.error(`${model === undefined ? 'name' : `there is no ${model}; name`} a model that hears, a .klet file with preprocessing of sound: node examples/listen/serve.mjs keywords.klet`);
  process.exitCode = 1;
} else {
  const { url } = await serve(Number(values.port), { page: PAGE, files: { [`${PAGE}model.klet`]: path.resolve(model) } });
  console.log(`\n  ${path.basename(model)} listens at ${url}   (Ctrl+C stops)\n`);
}
