/** Rows in memory that a failed transaction leaves as they were: each write notes how to take it back. */

/** What was written since the last commit, in order. */
export class UndoJournal {
  #undo: (() => void)[] = [];

  note(undo: () => void): void {
    this.#undo.push(undo);
  }

  commit(): void {
    this.#undo = [];
  }

  rollback(): void {
    const undo = this.#undo;
    this.#undo = [];
    for (let index = undo.length - 1; index >= 0; index--) undo[index]!();
  }
}

/** A map under a journal. Values are replaced, never changed in place. */
export class JournaledMap<K, V> {
  readonly #map = new Map<K, V>();

  constructor(private readonly journal: UndoJournal) {}

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }

  entries(): IterableIterator<[K, V]> {
    return this.#map.entries();
  }

  get size(): number {
    return this.#map.size;
  }

  set(key: K, value: V): void {
    const before = this.#map.get(key);
    this.#map.set(key, value);
    this.journal.note(() => this.#restore(key, before));
  }

  delete(key: K): void {
    const before = this.#map.get(key);
    if (before === undefined) return;
    this.#map.delete(key);
    this.journal.note(() => this.#restore(key, before));
  }

  #restore(key: K, before: V | undefined): void {
    if (before === undefined) this.#map.delete(key);
    else this.#map.set(key, before);
  }
}
