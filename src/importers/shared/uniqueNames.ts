/** Names for the tensors of a graph, each given once. */
export class UniqueNames {
  /** Names in use, each with the next number to try for a duplicate. */
  private readonly taken = new Map<string, number>();

  /** `wish`, or `wish_1`, `wish_2`, … if that is in use. */
  take(wish: string): string {
    let name = wish;
    for (let n = this.taken.get(wish) ?? 0; this.taken.has(name); n++) {
      name = `${wish}_${n + 1}`;
      this.taken.set(wish, n + 1);
    }
    this.taken.set(name, 0);
    return name;
  }
}
