import { describe, expect, test } from 'vitest';
import { labelling } from '../../examples/playground/src/labels';

const outputs = (classes: number) => [{ name: 'scores', dtype: 'float32' as const, shape: [1, classes] }];
const animals = { labels: ['cat', 'big dog', '7'], outputs: outputs(3) };
const none = new Map<string, string>();

describe('the classes of samples', () => {
  test('come from a table, by path or by file name', () => {
    const table = new Map([['a/1.png', 'cat'], ['2.png', 'BIG_DOG'], ['3.png', 'mouse']]);
    expect(labelling(['a/1.png', 'b/2.png', '3.png', '4.png'], table, animals)).toEqual({
      by: 'the table',
      targets: [0, 1, undefined, undefined],
      unknown: ['mouse'],
    });
  });

  test('come from folders, also if some are no classes', () => {
    expect(labelling(['x/Cat/1.png', 'x/big-dog/1.png', 'x/other/1.png'], none, animals)).toEqual({
      by: 'folders',
      targets: [0, 1, undefined],
      unknown: ['other'],
    });
  });

  test('come from the names of files, if all of them are classes', () => {
    expect(labelling(['7_a.wav', 'cat.wav', 'cat-2.wav'], none, animals)).toMatchObject({
      by: 'names of files',
      targets: [2, 0, 0],
    });
    const photos = labelling(['cat.jpg', 'IMG_0012.jpg'], none, animals);
    expect(photos).toEqual({ targets: [undefined, undefined], unknown: [] });
  });

  test('are numbers, or as many names as classes in alphabetical order, for a network without labels', () => {
    expect(labelling(['2/a.png', '0/b.png', '3/c.png'], none, { outputs: outputs(3) })).toMatchObject({
      targets: [2, 0, undefined],
      unknown: ['3'],
    });
    expect(labelling(['b/1.png', 'a/1.png'], none, { outputs: outputs(2) }).targets).toEqual([1, 0]);
    expect(labelling(['b/1.png', 'a/1.png'], none, { outputs: outputs(3) }).targets).toEqual([undefined, undefined]);
  });

  test('leave out an output that is no class', () => {
    const classes = { outputs: outputs(3), task: { kind: 'classify' as const, background: 0 } };
    expect(labelling(['0/1.png', '1/1.png', '2/1.png'], none, classes).targets).toEqual([0, 1, undefined]);
  });
});
