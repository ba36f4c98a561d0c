/** What the model wants done in the world, as data: the shell does it and tells what came of it by an action. */
import type * as answers from "../../http/client/answers.ts";
import type { FollowedOutput } from "../../http/client/fleet_port.ts";
import type { LogWish, PastMoment } from "../../http/client/wishes.ts";
import type { JsonObject } from "../../events/json.ts";

/**
 * `slot` names who asks, such as `timeline.events`: an answer comes back under it, and a newer question of a slot makes
 * the answer to an older one void.
 */
export type Effect =
  /** One request to one instance, null for one to be created; `job` is what it is a part of. Comes back as `asked`. */
  | { kind: "ask"; job: number; instanceId: string | null; request: Request }
  /** Changes nothing. Comes back as `answered` or `unanswered`. */
  | { kind: "query"; slot: string; query: Query }
  /** Lines of an output until `unfollow`, or until the same slot follows something else. Come as `followed`. */
  | { kind: "follow"; slot: string; instanceId: string; wish: LogWish }
  | { kind: "unfollow"; slot: string }
  /** Comes back as `done` under its slot. */
  | { kind: "worker"; slot: string; workerId: string; verb: "drain" | "resume" | "forget" }
  /** Whether clicks and the wheel come to us; the terminal selects no text meanwhile. */
  | { kind: "mouse"; isOn: boolean }
  /** To the terminal's clipboard, also over SSH (OSC 52). */
  | { kind: "copy"; text: string }
  /** In `$EDITOR`; comes back as `edited`. `suffix` tells the editor what it is: `.json`. */
  | { kind: "edit"; slot: string; text: string; suffix: string }
  /** Into a file that must not exist; comes back as `done` under its slot. */
  | { kind: "save"; slot: string; path: string; text: string }
  /** Gives the terminal to the shell that DRaaS was started from, until that gives it back. */
  | { kind: "suspend" }
  /** Draws everything anew: something else has written to the terminal. */
  | { kind: "redraw" }
  | { kind: "quit" };

/** What can be asked of an instance. `ifMatch` is the `specificationVersion` that a change is meant for. */
export type Request =
  | { type: "start" | "stop" | "restart" | "delete"; force?: boolean }
  | { type: "move"; to: JsonObject; force?: boolean }
  | { type: "create"; specification: JsonObject }
  | { type: "change"; changes: JsonObject; ifMatch?: number }
  /** Its whole configuration. */
  | { type: "configure"; configuration: JsonObject; ifMatch?: number }
  | { type: "rollback"; revision: number; ifMatch?: number };

/** What can be read; each is a call of the system's port. */
export type Query =
  | { kind: "workers" }
  | { kind: "readiness" }
  | { kind: "instance"; id: string }
  /** Those of them that are still there. */
  | { kind: "instances"; ids: readonly string[] }
  | { kind: "events"; id: string; limit: number; cursor?: string }
  | { kind: "stateAt"; id: string; moment: PastMoment }
  | { kind: "why"; id: string }
  | { kind: "configuration"; id: string }
  | { kind: "revisions"; id: string; limit?: number; before?: number }
  | { kind: "revision"; id: string; number: number }
  | { kind: "difference"; id: string; from?: number; to?: number }
  | { kind: "lines"; id: string; wish: LogWish };

/** What each kind of query is answered with. */
export interface Answers {
  workers: answers.WorkerAnswer[];
  readiness: answers.ReadinessAnswer;
  instance: answers.InstanceAnswer;
  instances: answers.InstanceAnswer[];
  events: answers.HistoryPage;
  stateAt: answers.PastAnswer;
  why: answers.ExplanationAnswer;
  configuration: answers.ConfigurationAnswer;
  revisions: answers.RevisionList;
  revision: answers.RevisionAnswer;
  difference: answers.DifferenceAnswer;
  lines: answers.LogLineAnswer[];
}

export type Answer = {
  [Kind in keyof Answers]: { kind: Kind; value: Answers[Kind] };
}[keyof Answers];

/** Why something did not come to pass, in words, and what the person can do. */
export interface Failure {
  /** Stable, for programs. */
  code: string;
  message: string;
  hint: string;
}

/** What became of a request. `instance` is it after that, where the answer tells. */
export type AskResult =
  | { kind: "done" | "unchanged" | "accepted"; instance: answers.InstanceAnswer | null }
  | { kind: "failed"; failure: Failure };

/** Lines, the end, or why there are no more. */
export type Followed = FollowedOutput | { kind: "failed"; failure: Failure };
