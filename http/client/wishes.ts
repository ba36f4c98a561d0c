/** What clients may ask for, and how. Design §6. */

/** Which instances a list is to have. */
export interface InstanceFilter {
  /** Some, with commas between them. */
  status?: string;
  platform?: string;
  worker?: string;
  /** A selector: `env=prod,tier!=web,owner,!old`. */
  label?: string;
  /** Part of the name or the id, any case. */
  q?: string;
}

/** How a mutation is sent. */
export interface MutationWish {
  /** The same for every sending of one request. */
  key: string;
  /** Whether the answer is to tell the outcome; else only that it is in the log. */
  wait: boolean;
  /** How long the server is to wait for it; undefined: as long as it does by itself. */
  timeoutMs?: number | undefined;
}

/** Which lines of an output. `since` is a time or how long ago, as the API takes it. */
export interface LogWish {
  tail?: number | undefined;
  since?: string | undefined;
  stream?: string | undefined;
}

/** What a request to an instance asks for. */
export type InstanceVerb = "start" | "stop" | "restart" | "move" | "delete";
/** What can be done with a worker. */
export type WorkerVerb = "drain" | "resume" | "forget";

/** How a change of what a user has decided is sent. */
export interface ChangeWish {
  /** The same for every sending of one request. */
  key: string;
  /** The `specificationVersion` that it is meant for; another one is refused (412). */
  ifMatch?: number;
}

/** After the event of a version, or at a time (ISO 8601, or epoch milliseconds). */
export type PastMoment = { version: number } | { at: string };
