/** What the parts of the docker platform share: the daemon's ports, and how an instance's containers are looked at. */
import type { Clock } from "../../events/clock.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { isFailure } from "../exit_description.ts";
import type { PrintedRuns } from "../printed_output.ts";
import type { HostPolicy } from "../policy/host_policy.ts";
import { redacted } from "../redaction.ts";
import type { Mask, SecretStore } from "../secret_store.ts";
import type {
  ContainerEngine,
  EngineIdentity,
  EngineTalk,
  EngineVolumes,
} from "./container_engine.ts";
import { compareFences, readRunLabels } from "./container_labels.ts";
import type { InstanceMarks } from "./instance_marks.ts";
import { type Run, runInfoOf } from "./run_info.ts";

/** Of the end of a failed run's output. UTF-8 has at most four bytes a character. */
const TAIL_LINES = 50;
const TAIL_CHARACTERS_MAX = 2_048;
const NEVER: AbortSignal = new AbortController().signal;

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
  const logTail = await tailOf(site, run);
  return logTail === "" ? info : { ...info, logTail };
}

/** What hides the secrets of a run in what it prints; all of it, where one of them is not to be had any more. */
export async function maskOf({ secrets }: DockerSite, { labels }: Run): Promise<Mask> {
  const { given } = labels.plan;
  const { mask, lost } = await secrets.masker(given);
  if (lost.length === 0) return (text, cut) => redacted(mask(text, cut));
  const names = [...new Set(lost.map(({ name }) => name))].join(", ");
  return () =>
    `(withheld: the secret ${names} cannot be read, or was changed since, so it could not be hidden)`;
}

/** The last lines of both streams. */
async function tailOf(site: DockerSite, run: Run): Promise<string> {
  const mask = await maskOf(site, run);
  const lines: string[] = [];
  const reading = { tail: TAIL_LINES, follows: false, signal: NEVER };
  try {
    for await (const { text } of site.talk.printed(run.state.id, reading)) lines.push(mask(text));
  } catch {
    // Somebody is removing it: that it ended can be told without its last words.
  }
  const text = lines.join("\n");
  return text.slice(-TAIL_CHARACTERS_MAX);
}

/** The runs of an instance whose output the daemon has. */
export function printedRuns(site: DockerSite, instanceId: string): PrintedRuns {
  return async () =>
    (await runsOf(site, instanceId)).filter(({ state }) => state.startedAt !== null).reverse()
      .map((run) => ({
        runId: run.labels.runId,
        startedAt: run.state.startedAt!,
        isLive: isLive(run),
        printed: (reading) => site.talk.printed(run.state.id, reading),
        mask: () => maskOf(site, run),
        ended: () => infoOf(site, run),
      }));
}
