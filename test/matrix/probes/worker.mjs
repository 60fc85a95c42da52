// The probe for workerd: loads in a handler, where nothing may be compiled.
import { load } from 'kinglet';
import { probe } from './probe.mjs';

export default {
  async test() {
    console.log(JSON.stringify({ default: await probe(load, {}) }));
  },
};
