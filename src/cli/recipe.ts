import type { LayerPruning, Recipe } from '../compiler/index';
import { KletError } from '../index';
import { quoted, readBytes, readText } from './files';
import { hasKletMagic, readParts } from './network';
import { percentText, plural } from './text';

/**
 * Reads the recipe of a `.klet` file that `kinglet search` wrote, or one in JSON.
 *
 * @throws KletError `BAD_ARGUMENT` if there is none; what is in it, `applyRecipe` checks
 */
export function readRecipe(file: string): Recipe {
  const bytes = readBytes(file);
  if (hasKletMagic(bytes)) {
    const { recipe } = readParts(bytes, file).meta.provenance ?? {};
    if (recipe === undefined) {
      throw new KletError('BAD_ARGUMENT', `${quoted(file)} has no recipe; files have one that kinglet search wrote`);
    }
    return recipe as Recipe;
  }
  try {
    return JSON.parse(readText(file)) as Recipe;
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('BAD_ARGUMENT', `${quoted(file)} is no recipe in JSON: ${(cause as Error).message}`, { cause });
  }
}

/** A recipe in a few words: "4 bits, 8 in 2 layers; 12.5 % of the channels". */
export function recipeText({ lowRank, channels, prune, int8, cluster }: Recipe): string {
  const texts = [int8 && int8Text(int8), channels && `−${percentText(channels, 1)} channels`,
    prune && pruningText(prune), lowRank && `low rank ${lowRank}`, cluster && `${cluster} values`];
  return texts.filter((text) => text).join('; ') || 'unchanged';
}

function int8Text({ bits = 8, layers = {}, activationBits, keep = [] }: NonNullable<Recipe['int8']>): string {
  const counts = new Map<number, number>();
  for (const own of Object.values(layers)) counts.set(own, (counts.get(own) ?? 0) + 1);
  const others = [...counts].map(([own, count]) => `${own} in ${count}`);
  const kept = keep.length > 0 ? [`float in ${keep.length}`] : [];
  const wide = activationBits === 16 ? ['int16 activations'] : [];
  return [`${bits} bits`, ...others, ...kept, ...wide].join(', ');
}

function pruningText(layers: Record<string, LayerPruning>): string {
  const fractions = Object.values(layers).map(({ sparsity }) => sparsity);
  const [least, most] = [Math.min(...fractions), Math.max(...fractions)].map((part) => Math.round(100 * part));
  return `${least === most ? least : `${least}–${most}`} % pruned in ${plural(fractions.length, 'layer')}`;
}
