import { mappings as onnx } from '../../src/importers/onnx/operators/index';
import { microsoft } from '../../src/importers/onnx/operators/microsoft';
import { mappings as layers } from '../../src/importers/shared/keras/layers/index';
import { operations } from '../../src/importers/shared/keras/layers/operations';
import { mappings as tensorflow } from '../../src/importers/tfjs/operators/index';
import { customMappings, mappings as tflite } from '../../src/importers/tflite/operators/index';

// The operators of foreign formats that kinglet reads, from the tables of the importers.

/** Built-in operators of TensorFlow Lite that are resolved during the import and leave no node. */
export const resolvedOperators = ['SHAPE', 'VAR_HANDLE', 'ASSIGN_VARIABLE', 'CALL_ONCE'];

const lists = {
  'TensorFlow Lite': [...Object.keys(tflite), ...resolvedOperators],
  'TensorFlow Lite, custom operators': [...customMappings.keys()],
  'ONNX': Object.keys(onnx),
  'ONNX, operators of com.microsoft': Object.keys(microsoft),
  'TensorFlow.js, graph models': Object.keys(tensorflow),
  'Keras, layers': Object.keys(layers),
  'Keras, functions between layers': Object.keys(operations),
};

/** The names of operators, by the heading that they have on the page. */
export const operatorLists: Readonly<Record<keyof typeof lists, readonly string[]>> = lists;

const count = (heading: keyof typeof lists): number => lists[heading].length;

/** What the README says of each format. */
export const operatorCounts: Readonly<Record<string, string>> = {
  'TensorFlow Lite': `${count('TensorFlow Lite') + count('TensorFlow Lite, custom operators')} operators`,
  'ONNX': `${count('ONNX') + count('ONNX, operators of com.microsoft')} operators`,
  'TensorFlow.js': `${count('TensorFlow.js, graph models')} operators; layers as Keras`,
  'Keras': `${count('Keras, layers')} layers, ${count('Keras, functions between layers')} functions`,
};

/** The generated part of the page, before its lines are wrapped. */
export function operatorSections(): string {
  return Object.entries(lists).map(([heading, names]) => {
    const inOrder = [...names].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
    return `## ${heading}\n\n${inOrder.map((name) => `\`${name}\``).join(', ')}\n`;
  }).join('\n');
}
