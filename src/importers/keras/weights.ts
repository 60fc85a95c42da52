import type { Constant } from '../shared/constants';
import { snakeCase } from '../shared/keras/snakeCase';
import { NamedWeights, type Step, type WeightPlace, type WeightRole, type WeightSource } from '../shared/keras/weights';
import type { Hdf5Group } from './hdf5';

/** The weights of an HDF5 file: a group for each layer of the network, with a list of names. */
export class LayerGroups implements WeightSource {
  private readonly known = new Map<string, NamedWeights>();

  /** @param root - The group with the groups of the layers. */
  constructor(private readonly root: Hdf5Group) {}

  find([layer, ...inner]: WeightPlace, roles: readonly WeightRole[]): (Constant | undefined)[] {
    return this.weightsOf(layer!).find(inner, roles);
  }

  private weightsOf({ name }: Step): NamedWeights {
    let weights = this.known.get(name);
    if (!weights) {
      const group = this.root.child(name);
      const names = group?.longList('weight_names') ?? [];
      weights = new NamedWeights(names.map((weight) => ({
        name: weight,
        read: () => group!.array(weight) ?? missing(weight),
      })));
      this.known.set(name, weights);
    }
    return weights;
  }
}

function missing(name: string): never {
  throw new Error(`the array "${name}" is listed but absent`);
}

/**
 * The weights of Keras 3, which lie at `layers/<class>[_n]/vars/<i>`: the n-th layer of its class
 * in the model, and the i-th weight in the order of the layer.
 */
export class LayerPaths implements WeightSource {
  constructor(private readonly root: Hdf5Group) {}

  find(place: WeightPlace, roles: readonly WeightRole[]): (Constant | undefined)[] {
    const group = place.reduce<Hdf5Group | undefined>((at, step) => at && this.step(at, step), this.root);
    const own = group && childOf(group, 'vars');
    return roles.map((_, i) => own?.array(String(i)));
  }

  private step(group: Hdf5Group, { className, ordinal, attributes, isList }: Step): Hdf5Group | undefined {
    const numbered = ordinal === 0 ? snakeCase(className) : `${snakeCase(className)}_${ordinal}`;
    if (!attributes) return childOf(group, `layers/${numbered}`) ?? this.tracked(group, className, ordinal);
    for (const attribute of attributes) {
      const found = childOf(group, isList ? `${attribute}/${numbered}` : attribute);
      if (found) return found;
    }
    return undefined;
  }

  /**
   * A layer in files of Keras 2.12, which number layers with weights twice: once for the layer, and
   * once for its weights.
   */
  private tracked(group: Hdf5Group, className: string, ordinal: number): Hdf5Group | undefined {
    const number = 2 * ordinal;
    const name = snakeCase(className);
    return childOf(group, `_layer_checkpoint_dependencies/${number === 0 ? name : `${name}_${number}`}`);
  }
}

/** A group at a path, which files from Windows have as one name with backslashes. */
function childOf(group: Hdf5Group, path: string): Hdf5Group | undefined {
  return group.child(path) ?? group.child(path.replaceAll('/', '\\'));
}
