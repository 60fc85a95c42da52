import type { Target } from '../target';
import { api } from './api';
import { cli } from './cli';
import { graphs } from './graphs';
import { keras } from './keras';
import { klet } from './klet';
import { onnx } from './onnx';
import { plans } from './plans';
import { tfjs } from './tfjs';
import { tflite } from './tflite';

export const targets: readonly Target[] = [klet, plans, graphs, tflite, onnx, tfjs, keras, api, cli];
