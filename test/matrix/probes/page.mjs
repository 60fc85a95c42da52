// The probe for browsers. It is a module of pages, and a service worker.
import { load } from './node_modules/kinglet/dist/browser.js';
import { flavors } from './models.mjs';
import { post } from './post.mjs';
import { probeAll } from './probe.mjs';

probeAll(load, flavors).then(post);
