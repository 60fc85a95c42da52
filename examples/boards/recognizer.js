// Recognizes gestures in the samples of an accelerometer. ECMAScript 5, for every engine.
//
// createRecognizer(model, onGesture) returns a function push(x, y, z), to be called 50 times a
// second with integers of −128 to 127 in steps of 1/32 g. `model` is that of `kinglet convert
// --script` or of kinglet/tiny. onGesture(label, score) gets the name of a gesture and its score,
// 0 to 1.
var createRecognizer = function(model, onGesture) {
  var AXES = 3;
  var SIZE = 64 * AXES; // a window of 1.28 s
  var HOP = 16 * AXES; // a prediction every 0.32 s
  var LEAST = 0.8; // score of a gesture
  var PAUSE = 3; // windows to wait after a gesture, because they still contain it
  var STILL = 6; // a window whose axes vary by less has no gesture and needs no prediction

  var samples = new Int8Array(SIZE);
  var filled = 0;
  var pause = 0;

  function isStill() {
    for (var axis = 0; axis < AXES; axis++) {
      var least = 127;
      var most = -128;
      for (var i = axis; i < SIZE; i += AXES) {
        if (samples[i] < least) least = samples[i];
        if (samples[i] > most) most = samples[i];
      }
      if (most - least >= STILL) return false;
    }
    return true;
  }

  function decide() {
    var scores = model.predict(samples); // int8: 256 × score − 128
    var best = 0;
    var score;
    for (var i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i;
    score = (scores[best] + 128) / 256;
    if (model.labels[best] !== 'none' && score >= LEAST) {
      pause = PAUSE;
      onGesture(model.labels[best], score);
    }
  }

  return function(x, y, z) {
    samples[filled] = x;
    samples[filled + 1] = y;
    samples[filled + 2] = z;
    filled += AXES;
    if (filled < SIZE) return;
    if (pause > 0) pause--;
    else if (!isStill()) decide();
    for (var i = HOP; i < SIZE; i++) samples[i - HOP] = samples[i];
    filled -= HOP;
  };
};

if (typeof module === 'object' && module.exports) module.exports = createRecognizer;
