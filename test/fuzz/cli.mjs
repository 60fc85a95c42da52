// npm run fuzz: bundles the fuzzers and runs them.
import { bundle, program } from './bundle.mjs';

await bundle();
await import(program);
