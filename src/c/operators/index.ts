import { elementwise } from './elementwise';
import { movement } from './movement';
import { products } from './products';
import { recurrentOperators } from './recurrent';
import { reductions } from './reductions';
import type { Printer } from './shared';
import { wide } from './wide';

/** What prints the C of a record, by opcode. */
export const printers: Readonly<Record<number, Printer>> = {
  ...products,
  ...reductions,
  ...elementwise,
  ...movement,
  ...recurrentOperators,
  ...wide,
};
