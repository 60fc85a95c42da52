// The probe for service workers under a policy without WebAssembly. They may not import() a core,
// so kinglet must refuse with advice, and kinglet/js must run.
import { load as loadOfKinglet } from './node_modules/kinglet/dist/browser.js';
import { load } from './node_modules/kinglet/dist/js.js';
import { post } from './post.mjs';
import { probe } from './probe.mjs';

async function probePlain() {
  const { error } = await probe(loadOfKinglet, {});
  if (/^NO_WASM.*wasm-unsafe-eval.*import kinglet\/js/.test(error)) return probe(load, {});
  return { error: `kinglet gives no advice: ${error}` };
}

probePlain().then((answer) => post({ default: answer }));
