// Serves a page that listens, on this machine only: node examples/listen/serve.mjs [keywords.klet]
// [--port 8080]
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '../digits/serve.mjs';

const PAGE = '/examples/listen/';
const { values, positionals: [model] } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string', default: '8080' } },
});

if (model !== undefined && !existsSync(model)) {
  const advice = 'Pass a .klet file with audio preprocessing, or no file for models/spoken-digits.';
  console.error(`There is no file ${model}. ${advice}`);
  process.exitCode = 1;
} else {
  const own = model && { page: `${PAGE}?model=model.klet`, files: { [`${PAGE}model.klet`]: path.resolve(model) } };
  const { url } = await serve(Number(values.port), { page: PAGE, ...own });
  console.log(`\n  ${path.basename(model ?? 'spoken-digits.klet')} listens at ${url}   (Ctrl+C stops)\n`);
}
