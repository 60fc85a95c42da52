/** An operator of a file, by the names of the values that it reads and writes. */
export interface Step {
  reads: readonly string[];
  writes: readonly string[];
  /** Whether kinglet lacks it. */
  isRefused: boolean;
}

/**
 * Where a network can end before the operators that kinglet lacks: the values which these or later
 * operators read, and the results that do not depend on them.
 *
 * @param steps - In the order of execution.
 */
export function lastSupported(steps: readonly Step[], results: readonly string[]): string[] {
  const lost = new Set<string>();
  const computed = new Set<string>();
  const ends = new Set<string>();
  for (const { reads, writes, isRefused } of steps) {
    const isLost = isRefused || reads.some((name) => lost.has(name));
    if (isLost) reads.filter((name) => computed.has(name)).forEach((name) => ends.add(name));
    for (const name of writes) (isLost ? lost : computed).add(name);
  }
  for (const name of results) if (computed.has(name)) ends.add(name);
  return [...ends];
}
