import { cornersOf, MAX_GROWTH, THRESHOLD, type Add, type Decoding, type Findings } from './candidates';
import { areParts, columnsOf, gridOf, outputOf, valueAt, wrongOutputs, type Grid, type Output } from './outputs';
import { activate, activated } from './scores';

/** Numbers of a candidate of a grid before its classes: box and score of an object. */
const FIELDS = 5;

/**
 * Heads of YOLO before their decoding, [rows, columns, anchors × (5 + classes)]. The formulas are
 * those of YOLOv3 (Redmon and Farhadi, 2018), of YOLOv4, which stretches centres, and of YOLOv5.
 */
export function grids(of: Decoding, add: Add): Findings {
  const { rules, outputs, width, height, isPlanar } = of;
  const { heads = [], formula = 'exp', stretch = formula === 'exp' ? 1 : 2, threshold = THRESHOLD } = rules;
  const { activation = 'sigmoid' } = rules;
  if (heads.length !== outputs.length && heads.some(({ output }) => output === undefined)) {
    throw wrongOutputs(outputs, `${heads.length} heads, each with an output`);
  }
  const act = activate(activation);
  let scores: number | undefined;
  heads.forEach(({ output, anchors }, h) => {
    const grid = gridOf(output === undefined ? outputs[h]! : outputOf(outputs, output, 'a grid'), isPlanar);
    const fields = grid.columns / anchors.length;
    if (!Number.isInteger(fields) || fields <= FIELDS || (scores ?? fields - FIELDS) !== fields - FIELDS) {
      throw wrongOutputs(outputs, `grids of ${anchors.length} × (5 + classes) numbers, with the same classes in all`);
    }
    scores = fields - FIELDS;
    anchors.forEach(([anchorWidth, anchorHeight], a) => {
      const own = columnsOf(grid, a * fields, fields);
      const score = activated(activation, columnsOf(own, FIELDS, fields - FIELDS));
      const center = (row: number, field: number, cell: number): number =>
        cell + 0.5 + (act(valueAt(own, row, field)) - 0.5) * stretch;
      const size = (row: number, field: number): number => {
        const value = valueAt(own, row, field);
        return formula === 'exp' ? Math.exp(Math.min(MAX_GROWTH, value)) : (2 * act(value)) ** 2;
      };
      const shapeOf = (row: number) => ({
        box: cornersOf(
          center(row, 0, row % grid.width) / grid.width,
          center(row, 1, Math.floor(row / grid.width)) / grid.height,
          size(row, 2) * anchorWidth / width,
          size(row, 3) * anchorHeight / height,
        ),
      });
      for (let row = 0; row < grid.rows; row++) {
        const whole = act(valueAt(own, row, FIELDS - 1));
        if (!(whole >= threshold)) continue;
        for (let c = 0; c < fields - FIELDS; c++) add(c, whole * score(row, c), row, shapeOf);
      }
    });
  });
  return { ...(scores !== undefined && { scores }) };
}

/**
 * Heat maps of centres [rows, columns, classes], sizes and offsets [rows, columns, 2] (Zhou et al.,
 * Objects as Points, 2019). Only cells that are not lower than their eight neighbours count.
 */
export function heatmap(of: Decoding, add: Add): Findings {
  const { rules, outputs, width, height, isPlanar } = of;
  const { order = 'xy', units = 'cells', threshold = THRESHOLD } = rules;
  const grid = (output: Output): Grid => gridOf(output, isPlanar);
  const pairs = outputs.filter((output) => output.name !== rules.offsets && grid(output).columns === 2);
  const sizes = grid(outputOf(rules.boxes === undefined ? pairs : outputs, rules.boxes, 'sizes [rows, columns, 2]'));
  const maps = outputOf(
    outputs,
    rules.scores,
    'heat maps of classes',
    ({ data, name, dims }) => data !== sizes.data && name !== rules.offsets && dims.length >= 2,
  );
  const offsets = rules.offsets === undefined ? undefined : grid(outputOf(outputs, rules.offsets, 'offsets'));
  const heat = grid(maps);
  for (const one of [sizes, ...(offsets ? [offsets] : [])]) {
    if (one.columns === 2 && one.width === heat.width && one.height === heat.height) continue;
    throw wrongOutputs(outputs, `sizes and offsets [${heat.height}, ${heat.width}, 2] for heat maps of as many cells`);
  }
  const score = activated(rules.activation ?? (areParts(heat) ? 'none' : 'sigmoid'), heat);
  const size = { cells: [heat.width, heat.height], pixels: [width, height], relative: [1, 1] }[units];
  const pair = (of: Grid, row: number, axis: number): number => valueAt(of, row, order === 'xy' ? axis : 1 - axis);
  const shapeOf = (row: number) => ({
    box: cornersOf(
      (row % heat.width + (offsets ? pair(offsets, row, 0) : 0)) / heat.width,
      (Math.floor(row / heat.width) + (offsets ? pair(offsets, row, 1) : 0)) / heat.height,
      pair(sizes, row, 0) / size[0]!,
      pair(sizes, row, 1) / size[1]!,
    ),
  });
  for (let row = 0; row < heat.rows; row++) {
    for (let c = 0; c < heat.columns; c++) {
      const value = score(row, c);
      if (value >= threshold && isPeak(heat, row, c)) add(c, value, row, shapeOf);
    }
  }
  return { scores: heat.columns, isSuppressed: true };
}

/** Whether no neighbour of a cell has a higher value. */
function isPeak(grid: Grid, cell: number, channel: number): boolean {
  const { width, height } = grid;
  const row = Math.floor(cell / width);
  const column = cell % width;
  const value = valueAt(grid, cell, channel);
  for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
      if (valueAt(grid, y * width + x, channel) > value) return false;
    }
  }
  return true;
}
