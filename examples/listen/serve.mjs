// Serves a page that listens, on this machine only: node examples/listen/serve.mjs [keywords.klet]
// [--port 8080]
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serve } from '../digits/serve.mjs';

const PAGE = '/examples/listen/';
const SPOKEN_DIGITS = fileURLToPath(new URL('../../models/spoken-digits/spoken-digits.klet', import.meta.url));
const { values, positionals: [model = SPOKEN_DIGITS] } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string', default: '8080' } },
});

if (!existsSync(model)) {
  const advice = 'Pass a .klet file with audio preprocessing, or no file for models/spoken-digits.';
  console.error(`There is no file ${model}. ${advice}`);
  process.exitCode = 1;
} else {
  const { url } = await serve(Number(values.port), {
    page: PAGE,
    files: { [`${PAGE}model.klet`]: path.resolve(model) },
  });
  console.log(`\n  ${path.basename(model)} listens at ${url}   (Ctrl+C stops)\n`);
}
