/** Everything that can happen to the model: keys, the terminal, time, and what the system tells. */
import type { EventAnswer, InstanceAnswer } from "../../http/client/answers.ts";
import type { Availability } from "../../http/client/fleet_port.ts";
import type { Answer, AskResult, Failure, Followed } from "./effect.ts";

export type Action =
  /**
   * A key, by its name: `j`, `J`, `ctrl+d`, `enter`, `esc`, `up`, `pagedown`, `space`, `tab`. A character of any
   * script is its own name.
   */
  | { type: "key"; key: string }
  /** Text from the clipboard. */
  | { type: "pasted"; text: string }
  /** The mouse's wheel: rows down, or up where it is negative. */
  | { type: "wheel"; by: number }
  /** The mouse's left button, counted from the upper left corner of the terminal, from 0. */
  | { type: "click"; column: number; row: number }
  | { type: "resized"; columns: number; rows: number }
  | SystemAction;

/** What comes by itself, of the system and of time: collected, and shown together at most 20 times a second. */
export type SystemAction =
  /** Once a second; `now` is epoch milliseconds. */
  | { type: "tick"; now: number }
  /** The whole fleet: at the beginning, and after what was told is not true any more. */
  | { type: "listed"; items: readonly InstanceAnswer[] }
  /** These instances are so now. */
  | { type: "changed"; items: readonly InstanceAnswer[] }
  /** An instance that is not there any more. */
  | { type: "gone"; instanceId: string }
  /** What happened in the fleet, in the order of its log. */
  | { type: "events"; events: readonly EventAnswer[] }
  /** Events are missing between those before and those after; `text` says why. */
  | { type: "gap"; text: string }
  /** What the program has to say that shows the UI. */
  | { type: "notice"; text: string }
  /** Whether the control plane is heard. */
  | { type: "availability"; availability: Availability }
  | { type: "answered"; slot: string; answer: Answer }
  /** A query that could not be answered. */
  | { type: "unanswered"; slot: string; failure: Failure }
  | { type: "asked"; job: number; instanceId: string | null; result: AskResult }
  | { type: "followed"; slot: string; followed: Followed }
  /** A deed of a slot is over; `failure` says why it did not come to pass. */
  | { type: "done"; slot: string; failure: Failure | null }
  /** `text` is null where the editor failed or nothing was changed in it. */
  | { type: "edited"; slot: string; text: string | null; failure: Failure | null };
