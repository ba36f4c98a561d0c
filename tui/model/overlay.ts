/** What lies over a screen and takes the keys: plain data. Pure. */
import type { Request } from "./effect.ts";
import type { LogsScreenState } from "./logs_state.ts";
import type { TextInput } from "./text_input.ts";

/** One request, to one or many; to `null` where something is to be created. */
export interface Deed {
  request: Request;
  instanceIds: readonly (string | null)[];
}

/** One request to one worker. */
export interface WorkerDeed {
  workerId: string;
  verb: "drain" | "resume" | "forget";
}

/** A question before something that many would feel or nobody could undo. Cancel is chosen, until one chooses otherwise. */
export interface Confirm {
  kind: "confirm";
  /** `Delete 3 instances?` */
  title: string;
  /** What it does, in a sentence. */
  effect: string;
  /** The names of all that it is done to, printable. */
  names: readonly string[];
  /** What must be typed before the other button can be pressed, and what that is in words; null: nothing. */
  mustType: { text: string; what: string } | null;
  typed: TextInput;
  /** On the button that does it. */
  isOnIt: boolean;
  /** The word on that button. */
  button: string;
  deed: Deed | WorkerDeed;
}

export type Overlay =
  | Confirm
  /** What is typed is in force at once; `before` is what comes back with Esc. */
  | { kind: "filter"; input: TextInput; before: string }
  /** In logs; as a filter. */
  | {
    kind: "search";
    input: TextInput;
    before: Pick<LogsScreenState, "pattern" | "found" | "bottom">;
  }
  | { kind: "palette"; input: TextInput; chosen: number }
  | { kind: "help"; top: number }
  | { kind: "equivalents"; top: number };
