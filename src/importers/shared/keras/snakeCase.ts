/** A class name as files of Keras 3 spell it: `BatchNormalization` is `batch_normalization`. */
export function snakeCase(name: string): string {
  return name.replace(/\W+/g, '').replace(/(.)([A-Z][a-z]+)/g, '$1_$2').replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
