/** What the parts of the docker platform share: the daemon's ports, and how an instance's containers are looked at. */
import type { Clock } from "../../events/clock.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { isFailure } from "../exit_description.ts";
import { lastWords, outputMask, type PrintedRun, type PrintedRuns } from "../printed_output.ts";
import { compareFences } from "../platform.ts";
import type { HostPolicy } from "../policy/host_policy.ts";
import type { Mask, SecretStore } from "../secret_store.ts";
import type {
  ContainerEngine,
  EngineIdentity,
  EngineTalk,
  EngineVolumes,
} from "./container_engine.ts";
import { readRunLabels } from "./container_labels.ts";
import type { InstanceMarks } from "./instance_marks.ts";
import { type Run, runInfoOf } from "./run_info.ts";

/** One daemon, for one fleet. */
export interface DockerSite {
  engine: ContainerEngine;
  volumes: EngineVolumes;
  talk: EngineTalk;
  marks: InstanceMarks;
  clock: Clock;
  namespace: string;
  identity: EngineIdentity;
  /** What may run here. */
  policy: HostPolicy;
  secrets: SecretStore;
  /** What runs for the template `drasi-server`. */
  drasiServerImage: string;
  /** Of what one run prints, where the daemon keeps it in files. */
  logMib: number;
}

/** The containers of an instance that say whose they are, the latest run first: a live one before all others. */
export async function runsOf(site: DockerSite, instanceId: string): Promise<Run[]> {
  const seen = await site.engine.list(instanceId);
  const states = await Promise.all(seen.map(({ id }) => site.engine.inspect(id)));
  const runs = states.flatMap((state): Run[] => {
    const labels = state && readRunLabels(state.labels);
    return state && labels ? [{ labels, state }] : [];
  });
  // The list has the newest first, and sorting keeps that among equals.
  return runs.sort((a, b) =>
    Number(isLive(b)) - Number(isLive(a)) || compareFences(b.labels.fence, a.labels.fence)
  );
}

/** Of the runs that were ever begun, the latest; null for none. */
export function latestOf(runs: readonly Run[]): Run | null {
  return runs.find(({ state }) => state.state !== "created") ?? null;
}

export function isLive({ state }: Run): boolean {
  return state.state === "running";
}

/** What is said of a run; of one that has ended, whether that was asked for is looked up. */
export async function infoOf(site: DockerSite, run: Run): Promise<RuntimeInfo> {
  const { id } = site.identity;
  if (isLive(run)) return runInfoOf(id, run, false);
  const { stops } = await site.marks.of(run.labels.instanceId);
  const info = runInfoOf(id, run, stops.has(run.labels.runId));
  if (!info.exit || !isFailure(info.exit)) return info;
  const logTail = await lastWords(printedBy(site, run), await maskOf(site, run));
  return logTail === "" ? info : { ...info, logTail };
}

function maskOf({ secrets }: DockerSite, { labels }: Run): Promise<Mask> {
  return outputMask(secrets, labels.plan.given);
}

function printedBy({ talk }: DockerSite, { state }: Run): PrintedRun["printed"] {
  return (reading) => talk.printed(state.id, reading);
}

/** The runs of an instance whose output the daemon has. */
export function printedRuns(site: DockerSite, instanceId: string): PrintedRuns {
  return async () =>
    (await runsOf(site, instanceId)).filter(({ state }) => state.startedAt !== null).reverse()
      .map((run) => ({
        runId: run.labels.runId,
        startedAt: run.state.startedAt!,
        isLive: isLive(run),
        printed: printedBy(site, run),
        mask: () => maskOf(site, run),
        ended: () => infoOf(site, run),
      }));
}
