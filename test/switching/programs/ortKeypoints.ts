// Keypoints of a pose, their scores and a box: a network with several outputs.
import * as ort from 'onnxruntime-web';

interface Keypoint {
  x: number;
  y: number;
  score: number;
}

class PoseDetector {
  private constructor(private readonly session: ort.InferenceSession) {}

  static async create(path: string): Promise<PoseDetector> {
    const options: ort.InferenceSession.SessionOptions = {
      executionProviders: [{ name: 'wasm' }],
      enableCpuMemArena: true,
      logSeverityLevel: 3,
    };
    return new PoseDetector(await ort.InferenceSession.create(path, options));
  }

  async detect(image: Float32Array): Promise<{ keypoints: Keypoint[]; box: number[]; count: number }> {
    const input: ort.TypedTensor<'float32'> = new ort.Tensor('float32', image, [1, 3, 16, 16]);
    const output = await this.session.run({ image: input });
    const points = output.keypoints!.data as Float32Array;
    const scores = output.scores!.data as Float32Array;
    const keypoints = Array.from(scores, (score, i) => ({ x: points[2 * i]!, y: points[2 * i + 1]!, score }));
    const { box } = await this.session.run({ image: input }, { box: null });
    return { keypoints, box: Array.from(box!.data as Float32Array), count: Object.keys(output).length };
  }
}

const detector = await PoseDetector.create(process.argv[2]!);
const images = [1, 2].map((t) => Float32Array.from({ length: 768 }, (_, i) => Math.sin(i * t)));
const found = [];
for (const image of images) found.push(await detector.detect(image));
console.log(JSON.stringify(found));
