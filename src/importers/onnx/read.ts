import { fromBinary } from '@bufbuild/protobuf';
import { KletError } from '../../errors';
import { ModelProtoSchema, type ModelProto } from './onnx_pb';

/** Parses an ONNX file. @throws {KletError} `CORRUPT` */
export function readModel(bytes: Uint8Array): ModelProto & { graph: NonNullable<ModelProto['graph']> } {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new KletError('CORRUPT', `the file is no complete ONNX network (${(error as Error).message})`, {
      cause: error,
    });
  }
  const { graph } = model;
  if (!graph) throw new KletError('CORRUPT', 'the file has no graph');
  return { ...model, graph };
}

/**
 * Whether the bytes begin like a `ModelProto`: the version of the format, then one of the other
 * fields. Version 1 was never released; saved_model.pb of TensorFlow begins with it.
 */
export function looksLikeOnnx(bytes: Uint8Array): boolean {
  const [tag, version, next] = bytes;
  return tag === 0x08 && version! > 1 && version! < 0x20 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(next!);
}
