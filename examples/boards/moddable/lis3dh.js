// Samples of a LIS3DH accelerometer by Moddable's driver.
import LIS3DH from 'embedded:sensor/Accelerometer/LIS3DH';
import Timer from 'timer';

const STEPS = 32 / 9.80665; // per m/s²

/** Calls push(x, y, z) 50 times a second, in steps of 1/32 g. */
export default function startSensor(push) {
  const sensor = new LIS3DH({ sensor: { ...device.I2C.default, io: device.io.SMBus } });
  sensor.configure({ rate: 0b0100, range: 0b01, enable: 0b111 }); // 50 Hz, ±4 g
  Timer.repeat(() => {
    // turn the axes here: x to the hand, y to the left, z out of the face (+32 at rest, face up)
    const { x, y, z } = sensor.sample();
    push(toSteps(x), toSteps(y), toSteps(z));
  }, 20);
}

function toSteps(acceleration) {
  return Math.max(-128, Math.min(127, Math.round(acceleration * STEPS)));
}
