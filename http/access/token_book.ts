/** The tokens that are in force: who holds one, and a signal for each that tells when it is not any more. */
import { tokenDigest, type TokenEntry } from "../../events/access_tokens.ts";
import type { Clock } from "../../events/clock.ts";

/** A token in force. */
export interface Holder extends Pick<TokenEntry, "name" | "role" | "expiresAt"> {
  /** Aborted when the token is taken away, expires, or gets another role: what its holder still reads ends then. */
  readonly ended: AbortSignal;
}

/** What a token is. */
export type Finding =
  | { kind: "holder"; holder: Holder }
  | { kind: "expired"; expiredAt: number }
  | { kind: "unknown" };

interface Kept extends Holder {
  sha256: string;
  words: Uint32Array;
  ending: AbortController;
}

/** The tokens of a control plane. */
export class TokenBook {
  /** Why what was given last is not in force, in words that name nobody; null when it is. */
  fault: string | null = null;
  private kept: readonly Kept[] = [];

  constructor(private readonly clock: Clock, entries: readonly TokenEntry[]) {
    this.replace(entries);
  }

  /** How many tokens there are, expired ones too. */
  get size(): number {
    return this.kept.length;
  }

  /**
   * Who holds `token`. Its digest is compared with each there is, to the end: how long that takes tells nothing of any.
   */
  find(token: string): Finding {
    const words = wordsOf(tokenDigest(token));
    let found: Kept | null = null;
    for (const one of this.kept) if (differenceOf(one.words, words) === 0) found = one;
    if (found === null) return { kind: "unknown" };
    return isExpired(found, this.clock.now())
      ? { kind: "expired", expiredAt: found.expiresAt! }
      : { kind: "holder", holder: found };
  }

  /** From now on these are in force, and no others. */
  replace(entries: readonly TokenEntry[]): void {
    const before = this.kept;
    this.kept = entries.map((entry) => before.find((one) => isSame(one, entry)) ?? keptOf(entry));
    for (const one of before) if (!this.kept.includes(one)) one.ending.abort();
    this.fault = null;
  }

  /** Ends what holders of tokens still read that have expired meanwhile. */
  endExpired(): void {
    const now = this.clock.now();
    for (const one of this.kept) if (isExpired(one, now)) one.ending.abort();
  }
}

function keptOf(entry: TokenEntry): Kept {
  const ending = new AbortController();
  return { ...entry, words: wordsOf(entry.sha256), ending, ended: ending.signal };
}

function wordsOf(digest: string): Uint32Array {
  return new Uint32Array(Uint8Array.fromHex(digest).buffer);
}

/** 0 where they are the same; takes as long wherever they differ. */
function differenceOf(one: Uint32Array, other: Uint32Array): number {
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= one[at]! ^ other[at]!;
  return difference;
}

function isExpired({ expiresAt }: Holder, now: number): boolean {
  return expiresAt !== null && now >= expiresAt;
}

function isSame(one: TokenEntry, other: TokenEntry): boolean {
  return one.sha256 === other.sha256 && one.name === other.name && one.role === other.role &&
    one.expiresAt === other.expiresAt;
}
