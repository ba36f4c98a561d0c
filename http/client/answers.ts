/** What the API answers, as its clients read it. Design §6. Members that are not named here are passed on as they came. */
import type { Json, JsonObject } from "../../events/json.ts";

/** A run, as far as a client looks into it. Times are ISO 8601. */
export interface RunAnswer {
  instanceId: string;
  status: string;
  processId?: string;
  port?: number;
  startedAt?: string;
  stoppedAt?: string;
  [member: string]: Json | undefined;
}

/** One instance. Times are ISO 8601. */
export interface InstanceAnswer {
  id: string;
  name: string;
  description: string;
  platform: string;
  template: string;
  labels: Record<string, string>;
  status: string;
  desired: string;
  health: string;
  restarts: number;
  createdAt: string;
  worker?: string;
  workerSilent?: boolean;
  runtimeInfo?: RunAnswer;
  metrics?: JsonObject;
  [member: string]: Json | undefined | RunAnswer;
}

/** One worker. Times are ISO 8601. */
export interface WorkerAnswer {
  id: string;
  platform: string;
  site: string;
  slots: number;
  busy: number;
  version: string;
  labels: Record<string, string>;
  draining: boolean;
  lost: boolean;
  silent: boolean;
  registeredAt: string;
  lastHeartbeatAt: string;
  [member: string]: Json | undefined;
}

/** One event of the log. `at` is ISO 8601. */
export interface EventAnswer {
  position: string;
  instanceId: string;
  version: number;
  type: string;
  at: string;
  requestedBy?: string;
  data: JsonObject;
  [member: string]: Json | undefined;
}

/** One line that a server printed, or a marker between lines. `at` is ISO 8601; null: not known. */
export interface LogLineAnswer {
  stream: "stdout" | "stderr" | "marker";
  at: string | null;
  kind?: string;
  text: string;
  [member: string]: Json | undefined;
}

/** What a mutation came to. */
export interface MutationAnswer {
  /** `accepted`: it is in the log, and nobody waited for the rest. */
  outcome: "done" | "unchanged" | "accepted";
  /** Of a start, stop or restart that is over. */
  runtimeInfo?: RunAnswer;
  /** As it is now, where the answer says. */
  instance?: InstanceAnswer;
  position?: string;
}

/** One instance in the plan of a fleet file. */
export interface PlanItemAnswer {
  id: string;
  name: string;
  /** `create`, `change`, `unchanged` and so on. */
  action: string;
  /** The entry of the file that asks for it; absent: none. */
  entry?: string;
  steps: string[];
  changes: { path: string; before?: Json; after?: Json }[];
  reasons: string[];
  /** Nobody takes it back: what the instance has kept is lost. */
  grave?: boolean;
  [member: string]: Json | undefined;
}

/** What a fleet file would change. */
export interface PlanAnswer {
  fleet: string;
  /** By which an apply is held to exactly this plan. */
  plan: string;
  changed: boolean;
  /** Of each action how many. */
  summary: Record<string, number>;
  items: PlanItemAnswer[];
  position: string;
}

/** One line of an apply: `plan`, `begun` and `ended` of one instance, at last `end`. */
export interface ApplyLine {
  type: string;
  id?: string;
  name?: string;
  action?: string;
  /** Of `begun`. */
  step?: string;
  steps?: string[];
  /** Of `ended`: `done`, `failed`, `skipped`; of `end`: `done`, `failed`, `stopped`. */
  outcome?: string;
  tookMs?: number;
  problem?: JsonObject;
  position?: string;
}
