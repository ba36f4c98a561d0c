/** Who waits in a blocking read, in the order in which they came: the first is served first. */
import type { ServerClient } from "./server_client.ts";

export class BlockedReaders {
  private readonly byKey = new Map<string, Set<ServerClient>>();
  /** Keys that were written to, and are waited for. */
  private readonly written = new Set<string>();

  add(client: ServerClient, keys: readonly string[]): void {
    for (const key of keys) {
      const waiting = this.byKey.get(key);
      if (waiting) waiting.add(client);
      else this.byKey.set(key, new Set([client]));
    }
  }

  /** It waits no longer. */
  remove(client: ServerClient): void {
    const { blocked } = client;
    if (!blocked) return;
    client.blocked = null;
    blocked.cancel();
    for (const key of blocked.keys) {
      const waiting = this.byKey.get(key)!;
      waiting.delete(client);
      if (waiting.size === 0) this.byKey.delete(key);
    }
  }

  /** Everybody who waits. */
  all(): ServerClient[] {
    return [...new Set([...this.byKey.values()].flatMap((waiting) => [...waiting]))];
  }

  /** Something has happened to a key that may end a wait. */
  touch(key: string): void {
    if (this.byKey.has(key)) this.written.add(key);
  }

  /** Those who wait for a key that was touched, and have not been looked at since; null when there is no such key. */
  next(): ServerClient[] | null {
    for (const key of this.written) {
      this.written.delete(key);
      return [...this.byKey.get(key) ?? []];
    }
    return null;
  }
}
