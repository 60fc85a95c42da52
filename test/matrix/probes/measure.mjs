// What every engine computes: the same predictions, their hash and their time. ES5 except for the
// exports, because small engines run it as a script.

/** Number of predictions that are hashed. */
var PREDICTIONS = 20;
/** Milliseconds, at least, that are timed at once. */
var SPAN = 20;

/**
 * @param predict takes int8 values and returns the raw output
 * @param length number of input values
 * @param now returns the time in milliseconds
 * @param milliseconds that predictions are timed for, at least; 0 measures no time
 * @returns FNV-1a hash of the outputs, and milliseconds a prediction
 */
export function measure(predict, length, now, milliseconds) {
  var seed = 1;
  var hash = 2166136261;
  var inputs = [];
  for (var i = 0; i < PREDICTIONS; i++) {
    var input = new Int8Array(length);
    for (var j = 0; j < length; j++) {
      seed = seed * 16807 % 2147483647;
      input[j] = Math.floor(seed / 65536) % 256 - 128;
    }
    inputs.push(input);
    var output = predict(input);
    for (var k = 0; k < output.length; k++) hash = times(hash ^ (output[k] & 255));
  }
  return { hash: hex(hash), ms: milliseconds > 0 ? time(predict, inputs, now, milliseconds) : undefined };
}

/** The product with FNV's prime, modulo 2^32. */
function times(hash) {
  var low = (hash & 65535) * 16777619;
  var high = (hash >>> 16) * 16777619 % 65536;
  return (low + high * 65536) % 4294967296 >>> 0;
}

function hex(word) {
  var text = word.toString(16);
  while (text.length < 8) text = '0' + text;
  return text;
}

/** Milliseconds a prediction, in the fastest of several spans: other programs disturb some. */
function time(predict, inputs, now, milliseconds) {
  var end = now() + milliseconds;
  var best = Infinity;
  do best = Math.min(best, span(predict, inputs, now)); while (now() < end);
  return best;
}

function span(predict, inputs, now) {
  var start = now();
  var count = 0;
  var passed;
  do {
    for (var i = 0; i < inputs.length; i++) predict(inputs[i]);
    count += inputs.length;
    passed = now() - start;
  } while (passed < SPAN);
  return passed / count;
}

/** The bytes of a model, from pieces of hexadecimal digits. */
export function bytesOf(pieces) {
  var bytes = [];
  for (var i = 0; i < pieces.length; i++) {
    for (var j = 0; j < pieces[i].length; j += 2) bytes.push(parseInt(pieces[i].substr(j, 2), 16));
  }
  return new Uint8Array(bytes);
}
