/** A wait for Running over a system that a test moves by hand. */
import type { HistoryBreak } from "../../../actors/system_port.ts";
import type { RecordedEvent } from "../../../events/envelope.ts";
import { newEvent } from "../../../events/instance_events.ts";
import { createHttpApp } from "../../../http/app.ts";
import type { HttpOptions } from "../../../http/options.ts";
import type { InstanceState } from "../../../machines/lifecycle.ts";
import { ManualClock, settled } from "../../adapters/manual_clock.ts";
import { type ApiClient, apiClient } from "./api_client.ts";
import { apiOptions } from "./api_world.ts";
import { recorded, scriptedSystem, stateAfter } from "./scripted_system.ts";

/** What a test moves, and what it looks at. */
export interface ScriptedWait {
  app: ReturnType<typeof createHttpApp>;
  call: ApiClient;
  clock: ManualClock;
  /** Who hears of events and of breaks. */
  listeners: Set<(events: RecordedEvent[]) => void>;
  watchers: Set<(broken: HistoryBreak) => void>;
  tell(...events: RecordedEvent[]): void;
  /** Versions 3 to 5: the start is taken, it fails, another one is asked for. */
  accepted: RecordedEvent;
  failed: RecordedEvent;
  another: RecordedEvent;
  /** What a look finds, what happens right before it, and what was demanded of it. */
  world: { state: InstanceState; beforeGet: () => void; atLeast: string | undefined };
}

const START = newEvent("StartRequested", {
  commandId: "c-1",
  generation: 1,
  configuration: {},
  configurationRevision: 1,
  acceptWithinMs: 30_000,
  site: null,
  cause: "user",
});

/** What may come: the first two versions are there at the first look. */
const LATER = [
  START,
  START,
  newEvent("CommandAccepted", {
    commandId: "c-1",
    commandType: "StartInstanceCommand",
    attempt: 1,
    workerId: "w-1",
    incarnation: "n-1",
    site: "s-1",
  }),
  newEvent("CommandFailed", {
    commandId: "c-1",
    attempt: 1,
    workerId: "w-1",
    response: {
      type: "StartInstanceResponse",
      instanceId: "i-1",
      success: false,
      errorMessage: "No such program.",
    },
  }),
  START,
];

/** `i-1` is created, and its start is in hand. */
export function scripted(changed: Partial<HttpOptions> = {}): ScriptedWait {
  const listeners = new Set<(events: RecordedEvent[]) => void>();
  const watchers = new Set<(broken: HistoryBreak) => void>();
  const clock = new ManualClock();
  const world: ScriptedWait["world"] = {
    state: stateAfter(START),
    beforeGet: () => {},
    atLeast: undefined,
  };
  const system = scriptedSystem(null, {
    history: () => Promise.resolve(recorded([START, START]).slice(-1)),
    async get(_id, atLeast) {
      world.atLeast = atLeast;
      await settled();
      world.beforeGet();
      return world.state;
    },
    async observe(listener, _after, signal) {
      listeners.add(listener);
      const close = () => void listeners.delete(listener);
      signal?.addEventListener("abort", close);
      return { close };
    },
    watchHistory(watcher) {
      watchers.add(watcher);
      return { close: () => void watchers.delete(watcher) };
    },
  });
  const app = createHttpApp({ ...apiOptions(system), clock, ...changed });
  const [, , accepted, failed, another] = recorded(LATER);
  return {
    app,
    call: apiClient(app),
    clock,
    listeners,
    watchers,
    tell: (...events) => listeners.forEach((listener) => listener(events)),
    accepted: accepted!,
    failed: failed!,
    another: another!,
    world,
  };
}

/** A stop that needs no worker, as version 3. */
export const STOP: RecordedEvent = {
  ...recorded([
    newEvent("StopRequested", {
      commandId: null,
      generation: 2,
      site: null,
      acceptWithinMs: 30_000,
    }),
  ])[0]!,
  version: 3,
};

/** It waits with its API's own time. */
export const LINE = `GET /api/server/instances/i-1/wait?status=Running`;
