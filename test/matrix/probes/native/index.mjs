// The probe for React Native: every entry that an app imports, in one bundle.
import { load } from 'kinglet';
import { audioParameters } from 'kinglet/audio';
import { extra } from 'kinglet/js/extra';
import * as ort from 'kinglet/ort';
import { topK } from 'kinglet/tasks';
import * as tf from 'kinglet/tfjs';
import { bytesOf } from '../measure.mjs';
import { models } from '../models.mjs';
import { probe } from '../probe.mjs';

/** Throws unless programs for other libraries, and the other entries, compute the same. */
async function checkEntries() {
  const bytes = bytesOf(models[0].pieces);
  const model = await load(bytes, { extra });
  const [{ shape, name }] = model.inputs;
  const expected = model.predict(new Float32Array(784)).join();
  const session = await ort.InferenceSession.create(bytes);
  const fed = { [name]: new ort.Tensor('float32', new Float32Array(784), shape) };
  const byOrt = (await session.run(fed))[session.outputNames[0]].data.join();
  const byTf = (await tf.loadGraphModel(bytes)).predict(tf.zeros(shape)).dataSync().join();
  if (byOrt !== expected) throw new Error(`kinglet/ort gives ${byOrt} instead of ${expected}`);
  if (byTf !== expected) throw new Error(`kinglet/tfjs gives ${byTf} instead of ${expected}`);
  if (topK([1, 2], ['a', 'b'], 1)[0].label !== 'b') throw new Error('kinglet/tasks is wrong');
  if (typeof audioParameters !== 'function') throw new Error('kinglet/audio lacks audioParameters');
}

checkEntries().then(() => probe(load, {})).then((answer) => print(JSON.stringify({ default: answer })), (error) => {
  print(`${error.message}`);
});
