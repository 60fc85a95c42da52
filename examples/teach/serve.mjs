// Serves a page that learns drawn signs, on this machine only: node examples/teach/serve.mjs
// [--port 8080]
import { parseArgs } from 'node:util';
import { serve } from '../digits/serve.mjs';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
const { url } = await serve(Number(values.port), { page: '/examples/teach/' });
console.log(`\n  A network learns at ${url}   (Ctrl+C stops)\n`);
