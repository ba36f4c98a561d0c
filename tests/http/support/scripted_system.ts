/** An instance system that answers as it is told, for outcomes that are hard to reach, and keeps what it was asked. */
import type { AskOptions, AskOutcome, InstanceSystem } from "../../../actors/system_port.ts";
import type { RecordedEvent } from "../../../events/envelope.ts";
import type { EventPlace } from "../../../events/event_log.ts";
import { type NewEvent, newEvent } from "../../../events/instance_events.ts";
import { specificationSchema } from "../../../events/specification.ts";
import { evolve, initialState } from "../../../machines/evolve.ts";
import type { InstanceState } from "../../../machines/lifecycle.ts";
import type { InstanceRequest } from "../../../machines/requests.ts";

export const CREATED_AT = 1_700_000_000_000;

/** `events` as the log would hold them, one second and one position apart. */
export function recorded(events: NewEvent[], instanceId = "i-1"): RecordedEvent[] {
  return events.map((event, index) => ({
    ...event,
    position: `${index + 1}-0`,
    previous: index === 0 ? null : `${index}-0`,
    instanceId,
    version: index + 1,
    schema: 1,
    at: CREATED_AT + index * 1_000,
    meta: { requestedBy: "anonymous" },
  }));
}

/** The state of instance `i-1` after its creation and `more`. */
export function stateAfter(...more: NewEvent[]): InstanceState {
  const specification = specificationSchema.parse({
    name: "one",
    configuration: { host: "127.0.0.1", port: 8080 },
  });
  return recorded([newEvent("InstanceCreated", { specification }), ...more])
    .reduce(evolve, initialState("i-1"));
}

/** A page of a history, as a log gives it. */
export function pageOf(
  events: readonly RecordedEvent[],
  limit: number,
  before?: number | EventPlace,
): RecordedEvent[] {
  return events.filter(({ version }) => version < versionOf(before)).slice(-limit);
}

/** Below which version a history is to be read. */
export function versionOf(before: number | EventPlace = Infinity): number {
  return typeof before === "number" ? before : before.version;
}

export interface ScriptedSystem extends InstanceSystem {
  asked: { instanceId: string | null; request: InstanceRequest; options: AskOptions }[];
}

/** Every `ask` is answered with `outcome` (thrown, if it is an error); the rest by `overrides`. */
export function scriptedSystem(
  outcome: AskOutcome | Error | null,
  overrides: Partial<InstanceSystem> = {},
): ScriptedSystem {
  const asked: ScriptedSystem["asked"] = [];
  const state = stateAfter();
  return {
    asked,
    async ask(instanceId, request, options) {
      asked.push({ instanceId, request, options });
      if (outcome instanceof Error) throw outcome;
      if (outcome === null) throw new Error("no outcome was scripted");
      return outcome;
    },
    tell: () => Promise.reject(new Error("not scripted")),
    get: (id) => Promise.resolve(id === "i-1" ? state : undefined),
    list: () => Promise.resolve({ items: [state], next: null, position: "1-0" }),
    recentChanges: () => ({ items: [], next: null, position: "1-0" }),
    position: "1-0",
    away: () => null,
    history: () => Promise.resolve([]),
    past: () => Promise.resolve({ kind: "unknown" }),
    logs: () => Promise.resolve([]),
    output: {
      read: () => Promise.resolve({ lines: [], cursor: null, hasMore: false }),
      follow: () => {
        throw new Error("not scripted");
      },
    },
    read: () => Promise.resolve([]),
    observe: () => Promise.resolve({ close: () => {} }),
    watchHistory: () => ({ close: () => {} }),
    workers: () => Promise.resolve([]),
    metrics: () => Promise.resolve(new Map()),
    isSilent: () => false,
    drainWorker: () => Promise.resolve(false),
    forgetWorker: () => Promise.resolve(null),
    status: () =>
      Promise.resolve({
        ready: true,
        reasons: [],
        durability: "memory" as const,
        position: "1-0",
        instances: 1,
        commandsInFlight: 0,
        incidents: [],
      }),
    shutdown: () => Promise.resolve(),
    ...overrides,
  };
}
