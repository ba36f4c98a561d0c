/** What the API is made of: its dependencies, its limits, and what a request carries through the middleware. */
import type { Context } from "hono";
import type { InstanceSystem } from "../actors/system_port.ts";
import type { Role } from "../events/access_tokens.ts";
import type { Clock } from "../events/clock.ts";
import type { Ids } from "../events/ids.ts";
import type { RouteDocs } from "./route_docs.ts";
import type { TokenBook } from "./access/token_book.ts";
import type { ShownInstances } from "./shown_instances.ts";

/** Bounds of everything that a client could make large. */
export interface HttpLimits {
  bodyBytesMax: number;
  /** Of a fleet file. */
  fleetBytesMax: number;
  /** Applies of fleet files at once. */
  fleetAppliesMax: number;
  /** Objects and arrays within each other in a body. */
  jsonDepthMax: number;
  /** From the first byte of a body to its last. */
  bodyReadMs: number;
  /** Open streams of the fleet's log; for each wait at most `eventBufferBytes`, and a page that many may share. */
  eventStreamsMax: number;
  eventBufferBytes: number;
  /** Open streams of outputs; each holds at most `logBufferBytes` that its client has not read. */
  logStreamsMax: number;
  logBufferBytes: number;
  heartbeatMs: number;
  /** Requests that wait for a status at once: each hears of every event. */
  waitsMax: number;
  /** A client of a stream that reads nothing for so long, though there is something, is let go. */
  streamStallMs: number;
  /** Requests of one address without a right token, before it has to wait: 3 s for each further one. */
  refusalsMax: number;
}

export const DEFAULT_LIMITS: Readonly<HttpLimits> = {
  bodyBytesMax: 1_048_576,
  fleetBytesMax: 8_388_608,
  fleetAppliesMax: 16,
  jsonDepthMax: 64,
  bodyReadMs: 30_000,
  eventStreamsMax: 2_000,
  eventBufferBytes: 65_536,
  logStreamsMax: 100,
  logBufferBytes: 1_048_576,
  heartbeatMs: 15_000,
  waitsMax: 1_000,
  streamStallMs: 60_000,
  refusalsMax: 20,
};

/** How often one caller may ask, with twice as many at once; 0: as often as it likes. */
export interface HttpRates {
  readsPerSecond: number;
  changesPerSecond: number;
}

/** Where a bug was met. */
export interface FailedRequest {
  traceId: string;
  method: string;
  path: string;
}

/** One answer, when it begins to go out. */
export interface Answered {
  method: string;
  /** The pattern of the route, as the index shows it; null: there is none for this path. */
  route: string | null;
  status: number;
  tookMs: number;
  /** The request's `correlationId`; none where it was not even named. */
  traceId: string;
}

/** Who measures or traces the API. */
export interface HttpWatch {
  answered(answer: Answered): void;
  /** So many clients follow the log (`events`), or an output (`logs`), from now on. */
  eventStreams(of: "events" | "logs", open: number): void;
  /** The span that the caller is traced by, as W3C has it; null: it is not. */
  traceparent(): string | null;
}

/** What `createHttpApp` is given. */
export interface HttpOptions {
  system: InstanceSystem;
  /** Who may ask; null: whoever reaches the server may do everything. */
  tokens: TokenBook | null;
  limits?: Partial<HttpLimits>;
  /** None where it is left out. */
  rates?: HttpRates;
  clock: Clock;
  ids: Ids;
  /** Hears of every error that is ours; the client gets a trace id and no details. */
  onBug: (error: unknown, request: FailedRequest) => void;
  /** Host names that are answered to besides the loopback's own; null: any (a bind that is not loopback). */
  allowedHosts: readonly string[] | null;
  /** Web pages of these origins may ask, as in `https://fleet.example`; none where it is left out. */
  allowedOrigins?: readonly string[];
  /** How long a caller waits that names no `timeout`. */
  defaultTimeoutMs: number;
  /** How long a command of a caller who does not wait (`wait=false`) may stay unaccepted. */
  queueTimeoutMs: number;
  version: string;
  /** What `/metrics` answers, in Prometheus' text format; left out: there is no such route. */
  metrics?: () => Promise<string>;
  /** Hears of each answer, to measure or trace it. */
  watch?: HttpWatch;
  /** The id that belongs to a key in this namespace: the same on every node. */
  deriveId(key: string): string;
  /** Aborted when the node shuts down: event streams end then. */
  closing?: AbortSignal;
}

/** The options with every limit filled in, and what is kept over requests: what routes are given. */
export type HttpServices = Omit<HttpOptions, "limits"> & {
  limits: HttpLimits;
  shown: ShownInstances;
};

/** What the middleware knows of a request. */
export interface HttpEnv {
  /** Of the connection, where there is one. */
  Bindings: { remoteAddr?: { hostname: string } };
  Variables: {
    /** Who asks; see `access/gate.ts`. */
    caller: string;
    /** In the log as `correlationId`, in a problem as `traceId`. */
    correlationId: string;
    /** The path of the route that has answered; unset where something else did. */
    route?: string;
  };
}

export type HttpContext = Context<HttpEnv>;

/** One route: what it answers to, what it is for, and how. */
export interface Route {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path with `:id` for the instance, `:revision` for one of its configurations. */
  path: string;
  /** One line for the index. */
  summary: string;
  /** What `/openapi.json` says of it; without, what can be told from its path. */
  docs?: RouteDocs;
  /** The least role that it takes, `anyone`: no token. Left out: viewer for a GET, operator for all else. */
  role?: Role | "anyone";
  /** The least role with `?force=true`. */
  forceRole?: Role;
  handle(context: HttpContext, services: HttpServices): Promise<Response> | Response;
}
