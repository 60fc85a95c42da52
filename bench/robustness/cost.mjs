// How long small files that ask for much take to load: node bench/robustness/cost.mjs
import { importTypeScript } from '../tools/typescript.mjs';

const { costTable } = await importTypeScript(new URL('cost.ts', import.meta.url));
console.log(costTable().join('\n'));
