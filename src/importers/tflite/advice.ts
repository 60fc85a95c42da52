// What to do about the unsupported operators of a .tflite file.

interface Rule {
  /** Matches the label of an operator, such as "custom operator FlexErf" or "CONV_3D". */
  operators: RegExp;
  advice: string;
}

/** The first rule that matches an operator applies, because it says most about the file. */
const rules: readonly Rule[] = [{
  operators: /^custom operator edgetpu/,
  advice: 'the file was compiled for an Edge TPU; take the .tflite file from before edgetpu_compiler',
}, {
  operators: /^custom operator ethos-u/,
  advice: 'the file was compiled for an Arm Ethos-U; take the .tflite file from before Vela',
}, {
  operators: /^custom operator (DISPATCH_OP|MTKEXT_|qnn|npu|neuron|samsung|ENN|stm)/i,
  advice: 'the file was compiled for one processor; take the .tflite file from before that compilation',
}, {
  operators: /^custom operator (Flex\w*String|TFSentencepiece|.*(Tokeniz|Ragged|Vocab))|^HASHTABLE/,
  advice: 'it works on texts; run the tokenizer in your program, and export the network that follows it',
}, {
  operators: /^custom operator PosenetDecoderOp/,
  advice: 'it decodes poses; export the network with the inputs of this operator as outputs, and decode them in your '
    + 'program',
}, {
  operators: /^custom operator FlexTensorList|^WHILE/,
  advice: 'its loops are no layer that kinglet recognizes; export recurrent layers with unroll=True',
}, {
  operators: /^custom operator Flex/,
  advice: 'it needs TensorFlow itself; export it without tf.lite.OpsSet.SELECT_TF_OPS',
}];

const USUAL = 'export the network without them, for example only the part before them, and compute the rest in your '
  + 'program';

/** @param labels of the unsupported operators */
export function adviceFor(labels: readonly string[]): string {
  return rules.find(({ operators }) => labels.some((label) => operators.test(label)))?.advice ?? USUAL;
}
