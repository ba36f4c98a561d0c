/** One lane an instance: what concerns one server is done one at a time; different servers go side by side. */

/** Runs work by key: in order within a key, at once across keys. */
export class Lanes {
  private readonly tails = new Map<string, Promise<unknown>>();

  /** How many lanes have work. */
  get busy(): number {
    return this.tails.size;
  }

  isBusy(key: string): boolean {
    return this.tails.has(key);
  }

  /** Runs `work` after all that `key` has been given before, whether that worked or not. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const tail = mine.catch(() => undefined).finally(() => {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    });
    this.tails.set(key, tail);
    return mine;
  }

  /** Resolves when every lane is empty. */
  async idle(): Promise<void> {
    while (this.tails.size > 0) await Promise.all(this.tails.values());
  }
}
