// Gestures with Espruino, here on a Bangle.js, by the small network. The weights stay in flash.
//
//     node examples/boards/prepare.mjs
//
// Write the files of build/ to the board's Storage under the names gestures, recognizer, simulated
// (without .js) and gestures.bin, then send this file. In the Web IDE, "Storage" uploads files.
var createRecognizer = require('recognizer');
var model = require('gestures')(new Uint8Array(require('Storage').readArrayBuffer('gestures.bin')));

// Calls push(x, y, z) 50 times a second, in steps of 1/32 g.
function startBangle(push) {
  function toSteps(g) {
    return Math.max(-128, Math.min(127, Math.round(g * 32)));
  }
  Bangle.setOptions({ powerSave: false });
  Bangle.accelWr(0x18, 0b01101100); // the KX022 or KX023 stops, ±4 g
  Bangle.accelWr(0x1b, 0x02 | 0x40); // 50 samples a second
  Bangle.accelWr(0x18, 0b11101100); // and starts
  Bangle.setPollInterval(20);
  Bangle.on('accel', function(a) {
    // turn the axes here: x to the hand, y to the left, z out of the face (+32 at rest, face up)
    push(toSteps(a.x), toSteps(a.y), toSteps(a.z));
  });
}

var startSensor = typeof Bangle === 'undefined' ? require('simulated') : startBangle;

console.log(model.selfTest() + ' golden cases are right');
startSensor(createRecognizer(model, function(label, score) {
  console.log(label + ' ' + Math.round(100 * score) + ' %');
}));
