/** The host's randomness behind the `Ids` and `Randomness` ports. */
import { setImmediate } from "node:timers";
import { createHash } from "node:crypto";
import type { Ids, Randomness } from "../../events/ids.ts";

/** Random ids (UUID version 4). */
export const hostIds: Ids = { next: () => crypto.randomUUID() };

/** Random fractions. */
export const hostRandomness: Randomness = { fraction: () => Math.random() };

/** A secret that nobody can guess: 256 random bits as 43 letters, digits, `-` and `_`. */
export function hostSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The id that belongs to a key: the same on every node, and no other key's. 128 bits of SHA-256. */
export function idFromKey(namespace: string, key: string): string {
  return createHash("sha256").update(namespace).update("\0").update(key).digest("hex").slice(0, 32);
}

/** Runs work in the next turn of the event loop, after what this turn still has to say. */
export function nextTurn(run: () => void): void {
  setImmediate(run);
}
