/**
 * One instance's folder: the records that its shim and its workers leave for each other.
 *
 *     <data folder>/instances/<instance id>/
 *       run.lock                 held by the shim, the server and its children
 *       run.json                 the latest run, written by the shim before it becomes the server
 *       fence                    the highest fence that was raised here, or spawned under
 *       logs/…                   what the server prints, see `logs/log_store.ts`
 *       server.log               both streams of the runs of older releases
 *       good.json                see `failure_records.ts`
 *       runs/<run id>/launch.json   how to stop, show and report this run, written before the spawn
 *       runs/<run id>/run.json   a copy of this run's record
 *       runs/<run id>/loose         the limits that its shim could not set, one a line
 *       runs/<run id>/exit.json     empty until the shim, or whoever found out, says how it ended
 *       runs/<run id>/lapsed     its lease was over, and its shim ends it
 *       runs/<run id>/stop.json     somebody asked for its end
 *       runs/<run id>/…             files of its launch plan
 */
import { z } from "zod";
import { limitsSchema } from "../../events/limits.ts";
import { exitSchema } from "../../events/runtime_info.ts";
import { ID_PATTERN } from "../../events/ids.ts";
import type { LaunchPlan } from "../templates/launch_plan.ts";
import { livenessPlanSchema } from "../templates/probe_plan.ts";
import { type Confined, loosened, UNCONFINED } from "./confinement.ts";
import type { Offsets } from "./logs/log_index.ts";
import type { GivenSecret, Mask, Masking } from "../secret_store.ts";

const runRecordSchema = z.object({
  runId: z.string().regex(ID_PATTERN),
  pid: z.number().int().positive(),
  startTicks: z.string().regex(/^\d+$/),
  bootId: z.string(),
  generation: z.number().int().nonnegative(),
  fence: z.number().int().nonnegative(),
  startedAt: z.number(),
});

/** What a launch is remembered by. No value of it may be a secret. */
export const launchFactsSchema = z.object({
  configurationRevision: z.number().int().nullable().optional(),
  program: z.string(),
  environment: z.record(z.string(), z.string()),
  /** A digest of each field of the configuration. */
  fields: z.record(z.string(), z.string()),
});
export type LaunchFacts = z.infer<typeof launchFactsSchema>;

const launchRecordSchema = z.object({
  stopSignal: z.string().regex(/^SIG[A-Z0-9]+$/),
  stopGraceMs: z.number(),
  host: z.string().nullable(),
  port: z.number().int().nullable(),
  runtimeMetadata: z.record(z.string(), z.string()),
  /** Null: it lives on without its worker. */
  leaseMs: z.number().int().positive().nullable().default(null),
  /** Null: nobody asks how it is. */
  liveness: livenessPlanSchema.nullable().default(null),
  /** Absent in records of an older release. */
  facts: launchFactsSchema.optional(),
  /** The names of the secrets that it and the runs before it were given. */
  secrets: z.array(z.string()).default([]),
  /** The same as they were given, `isOwn` to this very run. Absent in records of an older release. */
  given: z.array(z.object({
    name: z.string(),
    mark: z.number().int().nullable(),
    isOwn: z.boolean(),
  })).optional(),
  /** Earlier output is not to be shown: nobody knows what would have to be hidden in it. Absent: all is shown. */
  shownFrom: z.object({ stdout: z.number(), stderr: z.number() }).optional(),
  /** What holds it; absent: it has no limits. */
  confined: z.object({
    joins: z.array(z.string()),
    limits: limitsSchema,
    notSet: z.record(z.string(), z.string()),
    heldIn: z.record(z.string(), z.string()).default({}),
  }).optional(),
  /** Where this run's output begins: offsets of `logs/log_index.ts`, of standard output and standard error. */
  logOffset: z.number(),
  errorOffset: z.number().default(0),
});

const exitRecordSchema = z.object({
  runId: z.string(),
  /** As a shell sees it: 128 + n for a signal; null where nobody saw it. */
  code: z.number().int().nullable(),
  /** Set where it was found out later; the shim does not know reasons. One that a newer release has is let go of. */
  reason: exitSchema.shape.reason.optional().catch(undefined),
  /** The kernel ended a process of it that asked for more memory than its limit. */
  outOfMemory: z.boolean().optional(),
});

const stopRecordSchema = z.object({
  reason: z.enum(["Stopped", "Killed"]).catch("Stopped"),
  signal: z.string(),
  graceMs: z.number(),
});

export type RunRecord = z.infer<typeof runRecordSchema>;
export type LaunchRecord = z.infer<typeof launchRecordSchema>;
export type ExitRecord = z.infer<typeof exitRecordSchema>;
export type StopRecord = z.infer<typeof stopRecordSchema>;

/** The part of a launch record that says what holds the run. */
function recordOf(confined: Confined): Pick<LaunchRecord, "confined"> {
  const { joins, limits, notSet, heldIn } = confined;
  if (confined === UNCONFINED) return {};
  return { confined: { joins: [...joins], limits, notSet: { ...notSet }, heldIn: { ...heldIn } } };
}

/** How often a folder is removed that is written into meanwhile. */
const REMOVE_TRIES = 3;

const AS_IT_IS: Mask = (text) => text;
const NO_SECRETS: Masking = { mask: AS_IT_IS, lost: [] };

/** What is remembered of a launch besides its plan. */
export interface LaunchDetails {
  /** Null: it lives on without its worker. */
  leaseMs: number | null;
  /** Where its output begins. */
  output: Offsets;
  confined: Confined;
  /** The names of the secrets that the instance's output may hold, and what of it may be shown. */
  hidden: Pick<LaunchRecord, "secrets" | "given" | "shownFrom">;
  facts: LaunchFacts;
}

/** Paths and records of one instance on this site. Reads of torn or absent records give null. */
export class InstanceFolder {
  readonly path: string;

  /**
   * @param instancesFolder absolute
   * @param masker gives what hides these secrets in what a server said
   */
  constructor(
    instancesFolder: string,
    readonly instanceId: string,
    readonly masker: (given: readonly GivenSecret[]) => Promise<Masking> = () =>
      Promise.resolve(NO_SECRETS),
  ) {
    if (!ID_PATTERN.test(instanceId)) throw new Error(`not an instance id: ${instanceId}`);
    this.path = `${instancesFolder}/${instanceId}`;
  }

  runFolder(runId: string): string {
    if (!ID_PATTERN.test(runId)) throw new Error(`not a run id: ${runId}`);
    return `${this.path}/runs/${runId}`;
  }

  /**
   * Makes ready what the shim of `runId` needs. Touches nothing of a run that may be live. At once, not in steps: each
   * of these small files takes less time than a turn of the event loop.
   */
  prepare(
    runId: string,
    plan: LaunchPlan,
    { leaseMs, output, confined, hidden, facts }: LaunchDetails,
  ): LaunchRecord {
    const folder = this.runFolder(runId);
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    touch(`${this.path}/run.lock`);
    for (const file of plan.files) writePrivateSync(file.path, file.content);
    const { stopSignal, stopGraceMs, host, port, runtimeMetadata } = plan;
    const launch: LaunchRecord = {
      stopSignal,
      stopGraceMs,
      host,
      port,
      runtimeMetadata: { ...runtimeMetadata },
      leaseMs,
      liveness: plan.liveness,
      facts,
      ...hidden,
      ...recordOf(confined),
      logOffset: output.stdout,
      errorOffset: output.stderr,
    };
    writePrivateSync(`${folder}/launch.json`, JSON.stringify(launch));
    // There from the start, so that watching it is a stat that does not fail.
    writePrivateSync(`${folder}/exit.json`, "");
    return launch;
  }

  readRun(): Promise<RunRecord | null> {
    return readRecord(`${this.path}/run.json`, runRecordSchema);
  }

  /** The records of all runs whose folders are still there. */
  async readRunCopies(): Promise<RunRecord[]> {
    const found: RunRecord[] = [];
    if (!await isThere(`${this.path}/runs`)) return found;
    for await (const { name } of Deno.readDir(`${this.path}/runs`)) {
      const run = await readRecord(`${this.path}/runs/${name}/run.json`, runRecordSchema);
      if (run !== null && run.runId === name) found.push(run);
    }
    return found;
  }

  /** Puts back the record of a live run, in one step. */
  async restoreRun(run: RunRecord): Promise<void> {
    const draft = `${this.runFolder(run.runId)}/run.json.new`;
    await writePrivate(draft, JSON.stringify(run) + "\n");
    await Deno.rename(draft, `${this.path}/run.json`);
  }

  /** How the run was launched, with the limits that hold after all. */
  async readLaunch(runId: string): Promise<LaunchRecord | null> {
    const folder = this.runFolder(runId);
    const launch = await readRecord(`${folder}/launch.json`, launchRecordSchema);
    if (!launch?.confined) return launch;
    const loose = textOf(`${folder}/loose`)?.split("\n") ?? [];
    return { ...launch, confined: loosened(launch.confined, loose) };
  }

  /** How the run ended and when (epoch ms), as far as it is recorded. */
  async readExit(runId: string): Promise<{ record: ExitRecord; at: number } | null> {
    const path = `${this.runFolder(runId)}/exit.json`;
    const record = await readRecord(path, exitRecordSchema);
    if (record === null || record.runId !== runId) return null;
    const { mtime } = await Deno.stat(path);
    return { record, at: mtime?.getTime() ?? 0 };
  }

  /** One stat: whether an exit is on record. False also where the folder is gone or the disk broken: its caller looks on. */
  isExitRecorded(runId: string): boolean {
    const path = `${this.runFolder(runId)}/exit.json`;
    try {
      return Deno.statSync(path).size > 0;
    } catch {
      return false;
    }
  }

  async writeExit(record: ExitRecord): Promise<void> {
    await this.#write(record.runId, "exit.json", record);
  }

  readStop(runId: string): Promise<StopRecord | null> {
    return readRecord(`${this.runFolder(runId)}/stop.json`, stopRecordSchema);
  }

  /** Says why the run is about to end, for whoever sees it end. */
  async writeStop(runId: string, record: StopRecord): Promise<void> {
    await this.#write(runId, "stop.json", record);
  }

  /** Removes the folders of all runs but these. */
  async pruneRuns(keep: readonly string[]): Promise<void> {
    for await (const entry of Deno.readDir(`${this.path}/runs`)) {
      if (!keep.includes(entry.name)) {
        await Deno.remove(`${this.path}/runs/${entry.name}`, { recursive: true });
      }
    }
  }

  /** Whether the site keeps anything of this instance. */
  async exists(): Promise<boolean> {
    return await isThere(this.path);
  }

  /** Whoever looks at its last run meanwhile may still write into it. */
  async remove(): Promise<void> {
    for (let tries = 1; await this.exists(); tries++) {
      try {
        await Deno.remove(this.path, { recursive: true });
      } catch (error) {
        const isWritten = error instanceof Error && "code" in error && error.code === "ENOTEMPTY";
        if (!isWritten || tries === REMOVE_TRIES) throw error;
      }
    }
  }

  /** At once where the folder is there, which takes less time than a turn of the event loop. */
  async #write(runId: string, name: string, record: ExitRecord | StopRecord): Promise<void> {
    const path = `${this.runFolder(runId)}/${name}`;
    const text = JSON.stringify(record);
    try {
      writePrivateSync(path, text);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await this.#makeRunFolder(runId);
      writePrivateSync(path, text);
    }
  }

  /** Not the instance's own folder, if that is gone: after a delete it would come back. */
  async #makeRunFolder(runId: string): Promise<void> {
    for (const path of [`${this.path}/runs`, this.runFolder(runId)]) {
      await Deno.mkdir(path, { mode: 0o700 }).catch(unlessThere);
    }
  }
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
}

/** What a file holds; null for one that is absent or torn. */
export async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = textOf(path);
  if (text === null) return null;
  const parsed = schema.safeParse(parseOrNull(text));
  return parsed.success ? parsed.data : null;
}

function textOf(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Torn by a crash in the middle of a write: as good as absent, and the caller looks further.
    return null;
  }
}

/**
 * Not synced to the disk: after a power failure no run is left that these records could be about.
 */
export async function writePrivate(path: string, content: string): Promise<void> {
  await Deno.writeTextFile(path, content, { mode: 0o600 });
}

function writePrivateSync(path: string, content: string): void {
  Deno.writeTextFileSync(path, content, { mode: 0o600 });
}

function touch(path: string): void {
  Deno.openSync(path, { append: true, create: true, mode: 0o600 }).close();
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
