/** A connection as the model's server sees it. */
import type { Chance } from "../chance.ts";
import type { Life } from "../virtual_time.ts";
import type { Call, Lane } from "./model_wire.ts";

/** A pattern that is listened to. */
export interface Subscription {
  pattern: string;
  matches: RegExp;
}

export class ServerClient {
  /** From when it asks for a connection until either side has ended it. */
  isOpen = true;
  /** The read that it waits with. What comes after it waits in `later`. */
  blocked: Blocked | null = null;
  readonly later: Call[] = [];
  readonly subscriptions: Subscription[] = [];

  /** `life` is whose connection it is: the end of a process ends it. */
  constructor(
    readonly life: Life,
    readonly chance: Chance,
    readonly requests: Lane,
    readonly answers: Lane,
  ) {}
}

/** A blocking read. */
export interface Blocked {
  call: Call;
  keys: readonly string[];
  /** Takes its time limit back. */
  cancel: () => void;
}

/** A subscription to all channels that a glob-style pattern matches: `*`, `?`, `[…]`, and `\\` before what is meant as it is. */
export function subscriptionTo(pattern: string): Subscription {
  const source = pattern.replace(
    /\\(.)|\[(\^?)((?:\\.|[^\]])*)\]|[\s\S]/g,
    (char, escaped?: string, negation?: string, set?: string) => {
      if (escaped !== undefined) return literal(escaped);
      if (set !== undefined) return `[${negation}${set.replaceAll("[", "\\[")}]`;
      if (char === "*") return "[\\s\\S]*";
      return char === "?" ? "[\\s\\S]" : literal(char);
    },
  );
  return { pattern, matches: new RegExp(`^${source}$`) };
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
}
