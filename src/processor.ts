import { readFileSync } from 'node:fs';

// What the operating system says of the processor, for the entry of Node.

/**
 * Whether the relaxed core is slower than the SIMD one on this processor: Arm without the dot
 * product instruction, as in a Raspberry Pi 3 or 4. WebAssembly cannot tell such processors apart,
 * because engines use the instruction only in optimized code. Linux lists it as `asimddp`.
 */
export function lacksDotProduct(
  { platform, arch }: { platform: string; arch: string } = process,
  describe = (): string => readFileSync('/proc/cpuinfo', 'utf8'),
): boolean {
  if (platform !== 'linux' || arch !== 'arm64') return false;
  try {
    const features = describe().match(/^Features\s*:.*/gm) ?? [];
    return features.length > 0 && !features.some((line) => /\basimddp\b/.test(line));
  } catch {
    return false;
  }
}
