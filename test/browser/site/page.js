// Makes the package global, because the tests' code in the page cannot import.
import * as kinglet from '/dist/browser.js';
import * as slim from '/dist/slim.js';
import * as probe from './probe.js';

Object.assign(globalThis, { kinglet, slim, probe });
