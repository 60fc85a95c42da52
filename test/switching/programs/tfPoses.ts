// A graph model with two inputs and several outputs, called with records and by name.
import { dispose, loadGraphModel, setBackend, tensor, tensor1d, type GraphModel, type Tensor } from '@tensorflow/tfjs';

class Estimator {
  constructor(private readonly model: GraphModel) {}

  async estimate(values: Float32Array, offset: number): Promise<object> {
    const image = tensor(values, [1, 8, 8, 3]);
    const shift = tensor1d([offset], 'float32');
    const [heatmap, offsets] = (await this.model.executeAsync({ image, shift }, ['heatmap', 'offsets'])) as Tensor[];
    const all = this.model.predict({ image, shift }) as Tensor[];
    const best = heatmap!.reshape([-1]).argMax();
    const answer = {
      best: (await best.data())[0],
      score: heatmap!.max().arraySync(),
      heatmap: heatmap!.squeeze([0, 3]).arraySync(),
      offset: Array.from(offsets!.slice([0, 1, 1, 0], [1, 1, 2, -1]).dataSync()),
      shapes: all.map(({ shape }) => shape),
      isOn: Array.from((this.model.execute({ image, shift }, 'present') as Tensor).dataSync()),
    };
    dispose([image, shift, heatmap!, offsets!, best, ...all]);
    return answer;
  }
}

await setBackend('cpu');
const estimator = new Estimator(await loadGraphModel(process.argv[2]!));
const answers = [];
for (const t of [1, 2, 3]) {
  answers.push(await estimator.estimate(Float32Array.from({ length: 192 }, (_, i) => Math.cos(i * t)), t / 4));
}
console.log(JSON.stringify(answers));
