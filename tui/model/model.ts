/** All that the terminal UI knows, as one plain value. Actions move it on (`reduce.ts`), selectors make screens of it. */
import type { WorkerAnswer } from "../../http/client/answers.ts";
import { EVENTS_SCREEN, type EventsScreenState, type LogEntry } from "./events_state.ts";
import { type FleetIndex, NO_FLEET } from "./fleet_index.ts";
import { FLEET_SCREEN, type FleetScreenState } from "./fleet_state.ts";
import { INSTANCE_SCREEN, type InstanceScreenState } from "./instance_state.ts";
import type { Job } from "./jobs.ts";
import { LOGS_SCREEN, type LogsScreenState } from "./logs_state.ts";
import type { Deed, Overlay } from "./overlay.ts";
import { AT_FLEET, type Places } from "./places.ts";
import type { Toast } from "./toasts.ts";
import { WORKERS_SCREEN, type WorkersScreenState } from "./workers_state.ts";

/** Whether what is shown is the present. Times are epoch milliseconds. */
export type Connection =
  | { kind: "connecting"; since: number; reason: string }
  | { kind: "live"; since: number }
  /** Nothing is heard of the control plane. `reason` is printable. */
  | { kind: "reconnecting"; since: number; reason: string }
  /** It answers, but cannot read its log: what it tells may be old. */
  | { kind: "away"; since: number; reason: string };

/** What never changes while the program runs. */
export interface Origin {
  /** Where the API listens. */
  url: string;
  version: string;
}

export interface Model {
  origin: Origin;
  /** Epoch milliseconds, as of the last tick or news. */
  now: number;
  terminal: { columns: number; rows: number };
  connection: Connection;
  /** The whole fleet was read once. */
  isListed: boolean;
  fleet: FleetIndex;
  workers: readonly WorkerAnswer[];
  places: Places;
  overlay: Overlay | null;
  /** While the screen is held still: what is known of the fleet as it was, and how many events have come since. */
  frozen:
    | {
      fleet: FleetIndex;
      workers: readonly WorkerAnswer[];
      events: readonly LogEntry[];
      waiting: number;
    }
    | null;
  /** Clicks and the wheel come to us. Off at first: the terminal's own selecting of text is worth more. */
  hasMouse: boolean;
  toasts: readonly Toast[];
  jobs: readonly Job[];
  /** What was asked for last, for who wants to ask it again elsewhere. */
  lastDeed: Deed | null;
  /** The number of the next job. */
  nextJob: number;
  /** Of what is asked again and again, by its slot: when it was asked last, and whether the answer is still to come. */
  asking: ReadonlyMap<string, { at: number; isOpen: boolean }>;
  /** What each screen keeps. */
  screens: Screens;
}

export interface Screens {
  fleet: FleetScreenState;
  workers: WorkersScreenState;
  events: EventsScreenState;
  logs: LogsScreenState;
  instance: InstanceScreenState;
}

/** Before anything is known. `now` is epoch milliseconds. */
export function initialModel(origin: Origin, terminal: Model["terminal"], now: number): Model {
  return {
    origin,
    now,
    terminal,
    connection: { kind: "connecting", since: now, reason: "" },
    isListed: false,
    fleet: NO_FLEET,
    workers: [],
    places: AT_FLEET,
    overlay: null,
    frozen: null,
    hasMouse: false,
    toasts: [],
    lastDeed: null,
    jobs: [],
    nextJob: 1,
    asking: new Map(),
    screens: {
      fleet: FLEET_SCREEN,
      workers: WORKERS_SCREEN,
      events: EVENTS_SCREEN,
      logs: LOGS_SCREEN,
      instance: INSTANCE_SCREEN,
    },
  };
}

/** The fleet that is shown: the present one, or the one that is held still. */
export function shownFleet({ fleet, frozen }: Model): FleetIndex {
  return frozen?.fleet ?? fleet;
}

/** The workers that are shown: the present ones, or those that are held still. */
export function shownWorkers({ workers, frozen }: Model): readonly WorkerAnswer[] {
  return frozen?.workers ?? workers;
}

/** The last events of the fleet, or those before it was held still. */
export function shownEvents({ screens, frozen }: Model): readonly LogEntry[] {
  return frozen?.events ?? screens.events.entries;
}

/** Whether nobody has heard of a worker lately. */
export function silence({ workers }: Model): (workerId: string) => boolean {
  const silent = new Set(workers.flatMap(({ id, silent, lost }) => silent || lost ? id : []));
  return (workerId) => silent.has(workerId);
}
