// Puts the package within reach of the tests' code, which runs in the page but cannot import there.
import * as kinglet from '/dist/browser.js';
import * as slim from '/dist/slim.js';
import * as probe from './probe.js';

Object.assign(globalThis, { kinglet, slim, probe });
