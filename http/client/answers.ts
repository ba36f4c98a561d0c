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

/** The fleet, or what a filter lets through of it. */
export interface InstanceList {
  items: InstanceAnswer[];
  /** Of the log; nothing that is older is missing. */
  position: string;
  /** The log is away: it may have gone on since. */
  isStale: boolean;
}

/** How a wait for a status ended. */
export interface WaitAnswer {
  outcome: "reached" | "failed" | "superseded" | "timeout";
  /** One sentence. */
  reason: string;
  instance: InstanceAnswer;
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

/** Events of one instance, oldest first. */
export interface HistoryPage {
  items: EventAnswer[];
  /** Further back there are more. */
  nextCursor?: string;
  /** Of the log: what they are true for. */
  position: string;
}

/** What an instance was at a moment. `at` is when it became so, by `event`. */
export interface PastAnswer extends InstanceAnswer {
  at: string;
  version: number;
  event: EventAnswer & JsonObject;
}

/** One link of the chain that led to a status. `at` is ISO 8601. */
export interface StepAnswer {
  at: string;
  version: number;
  kind: string;
  /** One sentence. */
  text: string;
  [member: string]: Json | undefined;
}

/** Why an instance is what it is. */
export interface ExplanationAnswer {
  id: string;
  status: string;
  /** One sentence. */
  summary: string;
  /** Oldest first. */
  steps: StepAnswer[];
  /** What is owed, the first due first. */
  next: { at?: string; kind: string; text: string; [member: string]: Json | undefined }[];
  [member: string]: unknown;
}

/** The configuration of an instance by itself. */
export interface ConfigurationAnswer {
  id: string;
  /** Counts configurations, from 1. */
  revision: number;
  /** Null: nothing runs, or what runs was started with a configuration of its own. */
  runningRevision: number | null;
  /** It runs with an older one; `driftDetail` says so in words. */
  drift: boolean;
  driftDetail?: string;
  configuration: JsonObject;
  /** Of a change: whether it was one. */
  changed?: boolean;
  [member: string]: Json | undefined;
}

/** One configuration that an instance has had. */
export interface RevisionAnswer {
  revision: number;
  /** Since when; ISO 8601. */
  at?: string;
  by?: string;
  /** Where nobody knows any more who asked for it and when: by then it was so. */
  asOf?: JsonObject;
  /** Not in lists. */
  configuration?: JsonObject;
  [member: string]: Json | undefined;
}

/** The revisions of an instance, newest first. */
export interface RevisionList {
  items: RevisionAnswer[];
  /** Older ones are known below this number. */
  nextCursor?: string;
  /** Older ones than this were cut from the log. */
  firstRevision?: number;
}

/** What leads from one configuration to another; `from` is null for a run that was started with one of its own. */
export interface DifferenceAnswer {
  from: number | null;
  to: number;
  /** A JSON Patch (RFC 6902). */
  patch: JsonObject[];
}

/** What a control plane says at once, and to everybody. */
export interface LifeAnswer {
  version: string;
  /** Its clock, epoch milliseconds to the second; null: it does not say. */
  dateMs: number | null;
  /** How long the answer took. */
  tookMs: number;
}

/** How the control plane that was asked is. */
export interface ReadinessAnswer {
  ready: boolean;
  /** Why it is not, in words. */
  reasons: string[];
  durability: Json;
  /** Of the log. */
  position: string;
  instances: number;
  commandsInFlight: number;
  /** What happened to the log, the last 20; ISO 8601. */
  incidents: { code: string; at: string; [member: string]: Json | undefined }[];
  version: string;
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
