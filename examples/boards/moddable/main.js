// Gestures with Moddable's XS. The weights stay in flash.
//
//     node examples/boards/prepare.mjs && cd examples/boards/moddable
//     mcconfig -d -m -p esp32       with a LIS3DH on the default I2C bus
//     mcconfig -d -m                in the simulator, with simulated samples
import Resource from 'Resource';
import gestures from 'gestures';
import createRecognizer from 'recognizer';
import startSensor from 'sensor';

const model = gestures(new Uint8Array(new Resource('gestures.bin')));
trace(`${model.selfTest()} golden cases are right\n`);
startSensor(createRecognizer(model, (label, score) => trace(`${label} ${Math.round(100 * score)} %\n`)));
