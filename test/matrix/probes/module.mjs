// The probe for Node, Deno, Bun and Bare: prints a line of JSON.
import { load } from 'kinglet';
import { flavors } from './models.mjs';
import { probeAll } from './probe.mjs';

console.log(JSON.stringify(await probeAll(load, flavors)));
