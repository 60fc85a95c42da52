// Samples of an MPU-6050 on the bus I2C 0 (GP4 is SDA, GP5 is SCL).
const { I2C } = require('i2c');

const ADDRESS = 0x68;
const FILTER = 0x1a;
const RANGE = 0x1c;
const ACCELERATION = 0x3b;
const POWER = 0x6b;

/** Calls push(x, y, z) 50 times a second, in steps of 1/32 g. */
module.exports = function startSensor(push) {
  const bus = new I2C(0);
  const set = (register, value) => bus.write(new Uint8Array([register, value]), ADDRESS);
  set(POWER, 0); // wakes it up
  set(FILTER, 4); // passes 20 Hz
  set(RANGE, 0x08); // ±4 g
  setInterval(() => {
    bus.write(new Uint8Array([ACCELERATION]), ADDRESS);
    const bytes = bus.read(6, ADDRESS);
    // the high byte of an axis counts 1/32 g
    const value = (axis) => (bytes[2 * axis] << 24) >> 24;
    // turn the axes here: x to the hand, y to the left, z out of the face (+32 at rest, face up)
    push(value(0), value(1), value(2));
  }, 20);
};
