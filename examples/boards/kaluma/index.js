// Gestures with Kaluma, which runs JerryScript on a Raspberry Pi Pico.
//
//     node examples/boards/prepare.mjs && cd examples/boards/kaluma
//     kaluma flash index.js --bundle --shell
//
// For simulated samples instead of a sensor, require './build/simulated' instead of './mpu6050'.
const createRecognizer = require('./build/recognizer');
const model = require('./build/gestures');
const startSensor = require('./mpu6050');

console.log(`${model.selfTest()} golden cases are right`);
startSensor(createRecognizer(model, (label, score) => console.log(`${label} ${Math.round(100 * score)} %`)));
