import { expect, test } from 'vitest';
import { lacksDotProduct } from '../../src/processor';

const arm = { platform: 'linux', arch: 'arm64' };
const features = (...lists: string[]) => (): string =>
  lists.map((list, i) => `processor\t: ${i}\nBogoMIPS\t: 108.00\nFeatures\t: ${list}\nCPU part\t: 0xd08\n`).join('\n');
const cortexA72 = 'fp asimd evtstrm crc32 cpuid';
const cortexA76 = 'fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp';

test('tells Arm processors without dot product from others', () => {
  expect(lacksDotProduct(arm, features(cortexA72, cortexA72))).toBe(true);
  expect(lacksDotProduct(arm, features(cortexA76))).toBe(false);
  expect(lacksDotProduct(arm, features('fp asimd asimddpx'))).toBe(true);
  expect(lacksDotProduct(arm, features(cortexA72, cortexA76)), 'one kind of core has it').toBe(false);
});

test('takes the usual order where it cannot know', () => {
  expect(lacksDotProduct({ ...arm, arch: 'x64' }, features(cortexA72))).toBe(false);
  expect(lacksDotProduct({ ...arm, platform: 'darwin' }, features(cortexA72))).toBe(false);
  expect(lacksDotProduct(arm, () => '')).toBe(false);
  expect(lacksDotProduct(arm, () => {
    throw new Error('ENOENT');
  })).toBe(false);
});
