import type { Constant } from '../constants';

/** A step from a model to one of its layers, or from a layer to one that it contains. */
export interface Step {
  /** The class of the layer, such as `Dense`. */
  className: string;
  /** Its name; for a layer in another one, the beginning of the name that its weights have. */
  name: string;
  /** Its number among the layers of this class in the same model or list. */
  ordinal: number;
  /** The attributes of the layer around it that may hold it; absent for layers of a model. */
  attributes?: readonly string[];
  /** Whether the attribute is a list of layers. */
  isList?: boolean;
}

/** The way from the network to a layer. */
export type WeightPlace = readonly Step[];

/** The names that a weight may have, such as `kernel`. */
export type WeightRole = readonly string[];

/** The weights of a file, wherever it stores them. */
export interface WeightSource {
  /**
   * The weights of a layer; undefined for those that the file lacks.
   *
   * @param roles - All its weights in the order in which Keras lists them.
   */
  find(place: WeightPlace, roles: readonly WeightRole[]): (Constant | undefined)[];
}

/** A weight with its name, such as `block/dense/kernel:0`. */
export interface NamedWeight {
  name: string;
  read(): Constant;
}

/** Weights that are told apart by names. */
export class NamedWeights {
  private readonly entries: { parts: string[]; weight: NamedWeight }[];

  constructor(weights: readonly NamedWeight[]) {
    this.entries = weights.map((weight) => ({ parts: weight.name.replace(/:\d+$/, '').split('/'), weight }));
  }

  /** The weights of the layer at the end of `place`. */
  find(place: WeightPlace, roles: readonly WeightRole[]): (Constant | undefined)[] {
    const last = place.findLastIndex((step) => !step.attributes);
    const own = place.reduce((entries, step, i) => {
      const having = (isExact: boolean) =>
        entries.filter(({ parts }) => parts.slice(0, -1).some((part) => matches(part, step, isExact)));
      const exact = having(true);
      const inside = exact.length > 0 ? exact : having(false);
      // names often begin with the innermost model
      return inside.length > 0 || step.attributes || i === last ? inside : entries;
    }, this.entries);
    const found = roles.map((role) => {
      const fitting = own.filter(({ parts }) => role.includes(parts.at(-1).replace(/_\d+$/, '')));
      const ordinal = place.findLast((step) => step.isList)?.ordinal ?? 0;
      return fitting[Math.min(ordinal, fitting.length - 1)];
    });
    // old files name weights differently, but list them in the same order
    const isListed = found.every((entry) => entry) || own.length !== roles.length;
    return (isListed ? found : own).map((entry) => entry?.weight.read());
  }
}

/** Whether a part of a weight's name can be that of a layer, with a number after it or exactly. */
function matches(part: string, { name, attributes, isList }: Step, isExact: boolean): boolean {
  if (attributes) return isList === true || name === '' || part.startsWith(name);
  if (isExact) return part === name;
  return part.startsWith(`${name}_`) && /^\d+$/.test(part.slice(name.length + 1));
}
