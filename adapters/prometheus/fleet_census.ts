/** The fleet in numbers, as one look at what a node has folded and at the workers finds it. Pure. */
import type { WorkerRecord } from "../../events/command_bus.ts";
import { platformSchema } from "../../events/specification.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { type InstanceStatus, STATUSES } from "../../machines/requests.ts";
import { statusOf } from "../../machines/status.ts";

/** A running instance's health. */
const HEALTHS = ["healthy", "unhealthy", "unknown"] as const;
const WORKER_STATES = ["live", "draining", "silent", "lost"] as const;

type Health = typeof HEALTHS[number];
type WorkerState = typeof WORKER_STATES[number];

/** What there is of one platform. Every count is there, also where it is 0: an alert needs a value. */
export interface PlatformCensus {
  instances: Record<Exclude<InstanceStatus, "Deleted">, number>;
  running: Record<Health, number>;
  commands: { waiting: number; accepted: number };
  /** Milliseconds; 0 when none waits. */
  oldestWaitingMs: number;
  workers: Record<WorkerState, number>;
  /** Of live workers. */
  slots: number;
  busySlots: number;
}

/** By platform: each that has instances or workers. */
export type Census = Map<string, PlatformCensus>;

/** Workers may name any platform; as labels only these are told apart, and the rest is one. */
const KNOWN_PLATFORMS: ReadonlySet<string> = new Set(platformSchema.options);
const OTHER_PLATFORM = "other";

/**
 * @param workers null: nobody knows of them now
 * @param isSilent whether a worker was not heard for 5 s
 * @param now epoch milliseconds
 */
export function censusOf(
  states: Iterable<InstanceState>,
  workers: readonly WorkerRecord[] | null,
  isSilent: (workerId: string) => boolean,
  now: number,
): Census {
  const census: Census = new Map();
  const unheard = new Set<string>();
  for (const worker of workers ?? []) {
    const platform = platformIn(census, worker.platform);
    const isUnheard = isSilent(worker.workerId);
    if (isUnheard) unheard.add(worker.workerId);
    const state = stateOf(worker, isUnheard);
    platform.workers[state]++;
    if (state !== "live") continue;
    platform.slots += worker.slots;
    platform.busySlots += worker.busy;
  }
  for (const state of states) count(state, census, unheard, now);
  return census;
}

function count(
  state: InstanceState,
  census: Census,
  unheard: ReadonlySet<string>,
  now: number,
): void {
  const { specification, commands, health, run } = state.context;
  if (specification === null) return;
  const platform = platformIn(census, specification.platform);
  for (const { accepted, requestedAt } of commands) {
    if (accepted) platform.commands.accepted++;
    else {
      platform.commands.waiting++;
      platform.oldestWaitingMs = Math.max(platform.oldestWaitingMs, now - requestedAt);
    }
  }
  const status = statusOf(state);
  if (status === "Deleted") return;
  platform.instances[status]++;
  if (status !== "Running") return;
  const isUnknown = !health || run === null || unheard.has(run.workerId);
  platform.running[isUnknown ? "unknown" : health.status]++;
}

function stateOf({ lost, draining }: WorkerRecord, isUnheard: boolean): WorkerState {
  if (lost) return "lost";
  if (isUnheard) return "silent";
  return draining ? "draining" : "live";
}

function platformIn(census: Census, name: string): PlatformCensus {
  const known = KNOWN_PLATFORMS.has(name) ? name : OTHER_PLATFORM;
  let platform = census.get(known);
  if (!platform) {
    platform = {
      instances: zeros(STATUSES.filter((status) => status !== "Deleted")),
      running: zeros(HEALTHS),
      commands: { waiting: 0, accepted: 0 },
      oldestWaitingMs: 0,
      workers: zeros(WORKER_STATES),
      slots: 0,
      busySlots: 0,
    };
    census.set(known, platform);
  }
  return platform;
}

function zeros<K extends string>(names: readonly K[]): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
}
