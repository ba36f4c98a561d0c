/** Where a start goes: pure choices among the workers as they were last seen, with the reason in words. Design §4 rule 5. */
import type { WorkerRecord } from "../events/command_bus.ts";
import { UNPLACED_SITE } from "../events/commands.ts";
import type { EventData } from "../events/instance_events.ts";
import type { InstanceState } from "./lifecycle.ts";

/** A worker that was not heard for longer is silent: nothing new is placed there. Design §4 rule 8. */
export const SILENT_AFTER_MS = 5_000;

/** Workers of a platform that a message names. */
const NAMED_MAX = 5;

/** The workers as they were seen at a moment of the log's clock, epoch milliseconds. */
export interface Fleet {
  workers: readonly WorkerRecord[];
  at: number;
}

/** What a start needs of a worker. */
export interface Wanted {
  platform: string;
  labels: Readonly<Record<string, string>>;
  /** Where its last run was: preferred, since what it kept is there. */
  stickySite: string | null;
}

/** The part of a `StartRequested` that says where it goes. */
export type Placed = Pick<EventData<"StartRequested">, "site" | "placement">;

/** What a start of this instance needs. */
export function wantedBy({ context: { specification, run } }: InstanceState): Wanted {
  return {
    platform: specification?.platform ?? "process",
    labels: specification?.workerLabels ?? {},
    stickySite: run?.site ?? null,
  };
}

/** The platform of a site's workers; undefined where none is known. */
export function platformAt(site: string | null, fleet: Fleet | undefined): string | undefined {
  return fleet?.workers.find((worker) => worker.site === site)?.platform;
}

/** What was found after a move, or after a rollback of one, is not where it is to run next. */
export function isElsewhere({ context }: InstanceState, fleet: Fleet | undefined): boolean {
  const platform = platformAt(context.run?.site ?? null, fleet);
  return platform !== undefined && platform !== context.specification?.platform;
}

/** Whether the worker was heard lately, and not given up. */
export function isHeard({ lost, lastHeartbeatAt }: WorkerRecord, at: number): boolean {
  return !lost && at - lastHeartbeatAt <= SILENT_AFTER_MS;
}

/** Whether commands for `site` are taken there now: a live worker reads it that is not draining. */
export function isServed(site: string, platform: string, { workers, at }: Fleet): boolean {
  return workers.some((worker) =>
    worker.site === site && worker.platform === platform && takesStarts(worker, at)
  );
}

/**
 * Where a start goes. Without labels and without a place where it was before: anywhere. With them: to where it was, if
 * a worker there takes it; else to the least loaded that may. When none may it waits for one: at its old place if that
 * may take it once it is back, else at no place at all, and is moved when a worker is there.
 */
export function placed({ stickySite: lastSite, ...asked }: Wanted, fleet?: Fleet): Placed {
  const isOther = (platformAt(lastSite, fleet) ?? asked.platform) !== asked.platform;
  const stickySite = isOther ? null : lastSite;
  const wanted = { ...asked, stickySite };
  const isFree = Object.keys(wanted.labels).length === 0;
  if (stickySite === null && isFree) return { site: null };
  if (!fleet) return { site: isFree ? stickySite : stickySite ?? UNPLACED_SITE };
  const found = bestWorker(wanted, fleet);
  if (found) return at(found.worker, found.reason);
  const former = fleet.workers.find((worker) =>
    worker.site === stickySite && worker.platform === wanted.platform && hasLabels(worker, wanted)
  );
  if (stickySite !== null && (isFree || former)) {
    const reason = "its last run was there, and no other worker can take it now";
    return { site: stickySite, placement: { site: stickySite, workerId: null, reason } };
  }
  const reason = whyNoWorker(wanted, fleet.workers);
  return { site: UNPLACED_SITE, placement: { site: UNPLACED_SITE, workerId: null, reason } };
}

/** The live worker that is to have the start: of its last site, else the least loaded. Null: none may. */
export function bestWorker(
  wanted: Wanted,
  fleet: Fleet,
): { worker: WorkerRecord; reason: string } | null {
  const fitting = fleet.workers.filter((worker) =>
    worker.platform === wanted.platform && takesStarts(worker, fleet.at) &&
    hasLabels(worker, wanted)
  ).sort((a, b) => load(a) - load(b) || (a.workerId < b.workerId ? -1 : 1));
  const former = fitting.find((worker) => worker.site === wanted.stickySite);
  if (former) return { worker: former, reason: "its last run was there" };
  const [worker] = fitting;
  if (!worker) return null;
  const labels = labelsText(wanted.labels);
  const choice = `the least loaded (${worker.busy} of ${worker.slots} slots) of ${fitting.length}`;
  const reason = `${choice} ${fitting.length === 1 ? "worker" : "workers"}${
    labels === "" ? "" : ` with ${labels}`
  }${wanted.stickySite === null ? "" : "; none takes starts where its last run was"}`;
  return { worker, reason };
}

/** Why none of the workers that there are may have it, for the one who waits for it. */
export function whyNoWorker(wanted: Wanted, workers: readonly WorkerRecord[]): string {
  const ofPlatform = workers.filter((worker) =>
    worker.platform === wanted.platform && !worker.lost
  );
  const missing = Object.entries(wanted.labels).filter(([name, value]) =>
    !ofPlatform.some((worker) => worker.labels[name] === value)
  );
  if (ofPlatform.length === 0) {
    return `No worker for the platform ${wanted.platform} is running; ${othersText(workers)}.`;
  }
  if (missing.length > 0) {
    return `No worker for the platform ${wanted.platform} has ${
      labelsText(Object.fromEntries(missing))
    }.`;
  }
  if (!ofPlatform.some((worker) => hasLabels(worker, wanted))) {
    return `No worker for the platform ${wanted.platform} has all of ${labelsText(wanted.labels)}.`;
  }
  return `The workers for the platform ${wanted.platform}${
    Object.keys(wanted.labels).length === 0 ? "" : ` with ${labelsText(wanted.labels)}`
  } are silent or draining.`;
}

/** Which workers there are, by platform: a few of each. */
function othersText(workers: readonly WorkerRecord[]): string {
  const present = workers.filter(({ lost }) => !lost);
  const platforms = [...new Set(present.map(({ platform }) => platform))].sort();
  if (platforms.length === 0) return "there is no worker at all";
  const texts = platforms.map((platform) => {
    const ids = present.filter((worker) => worker.platform === platform)
      .map(({ workerId }) => workerId).sort();
    const more = ids.length > NAMED_MAX ? ` and ${ids.length - NAMED_MAX} more` : "";
    return `${platform} (${ids.slice(0, NAMED_MAX).join(", ")}${more})`;
  });
  return `there are workers for ${texts.join(" and ")}`;
}

/** Whether the worker has every label that is asked for. */
export function hasLabels(worker: WorkerRecord, { labels }: Pick<Wanted, "labels">): boolean {
  return Object.entries(labels).every(([name, value]) => worker.labels[name] === value);
}

function takesStarts(worker: WorkerRecord, at: number): boolean {
  return isHeard(worker, at) && !worker.draining;
}

function load({ busy, slots }: WorkerRecord): number {
  return busy / Math.max(1, slots);
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return texts.length === 0 ? "" : `the label${texts.length === 1 ? "" : "s"} ${texts.join(", ")}`;
}

function at({ site, workerId }: WorkerRecord, reason: string): Placed {
  return { site, placement: { site, workerId, reason } };
}
