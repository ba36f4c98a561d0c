/** A site of its own for each test: a temporary data folder, real processes, taken down at the end. */
import type { Clock } from "../../events/clock.ts";
import type { Ids } from "../../events/ids.ts";
import type { JsonObject } from "../../events/json.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { NO_FENCE, type StartOutcome, type StartSpec } from "../../workers/platform.ts";
import {
  openProcessPlatform,
  type ProcessPlatform,
} from "../../workers/process/process_platform.ts";
import type { ProcessPlatformOptions } from "../../workers/process/open_host.ts";

/** The host's own clock. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Random ids. */
export const randomIds: Ids = { next: () => crypto.randomUUID() };

/** What a test can do with its site. */
export interface ProcessWorld {
  dataFolder: string;
  platform: ProcessPlatform;
  /** Unasked exits, in the order in which they were reported. */
  exits: RuntimeInfo[];
  /** Another worker's view of the same site; closed with the world. */
  reopen(options?: Partial<ProcessPlatformOptions>): Promise<ProcessPlatform>;
  /** The instance's folder. */
  folder(instanceId?: string): string;
}

/** Runs `test` in a new world; whatever it left running is ended afterwards. */
export async function withWorld(
  test: (world: ProcessWorld) => Promise<void>,
  options: Partial<ProcessPlatformOptions> = {},
): Promise<void> {
  const dataFolder = await Deno.makeTempDir({ prefix: "draas-process-" });
  // What the platform waits for (shims, its shells) keeps no program alive; a test is to wait for it all the same.
  const waiting = setInterval(() => {}, 1_000);
  const opened: ProcessPlatform[] = [];
  const open = async (more: Partial<ProcessPlatformOptions> = {}): Promise<ProcessPlatform> => {
    const platform = await openProcessPlatform({ ...defaults(dataFolder), ...options, ...more });
    opened.push(platform);
    return platform;
  };
  const platform = await open();
  const exits: RuntimeInfo[] = [];
  platform.onExit((info) => exits.push(info));
  const folder = (instanceId = "i-1") => `${dataFolder}/instances/${instanceId}`;
  try {
    await test({ dataFolder, platform, exits, reopen: open, folder });
  } finally {
    const last = await openProcessPlatform(defaults(dataFolder));
    for await (const entry of Deno.readDir(`${dataFolder}/instances`)) {
      await last.remove(entry.name, NO_FENCE);
    }
    for (const each of [...opened, last]) await each.close();
    await Deno.remove(dataFolder, { recursive: true });
    clearInterval(waiting);
  }
}

/** The options that tests start from. */
export function defaults(dataFolder: string): ProcessPlatformOptions {
  return {
    dataFolder,
    clock: realClock,
    ids: randomIds,
    hostEnvironment: { PATH: Deno.env.get("PATH") ?? "", HOME: "/tmp", SECRET: "of the host" },
    drasiServer: { drasiServerBin: null, standIn: "never", standInCommand: null },
  };
}

/** The specification of a start of instance `i-1` with a `command` configuration. */
export function commandSpec(configuration: JsonObject, more: Partial<StartSpec> = {}): StartSpec {
  return {
    instanceId: "i-1",
    runId: crypto.randomUUID(),
    fence: { generation: 1, attempt: 1 },
    template: "command",
    configuration,
    spawnWithinMs: 10_000,
    ...more,
  };
}

/** A configuration that runs a line of shell. */
export function shell(script: string, more: JsonObject = {}): JsonObject {
  return { command: ["sh", "-c", script], ...more };
}

/** Starts and gives back what runs; fails with the failure's text otherwise. */
export async function started(
  platform: ProcessPlatform,
  configuration: JsonObject,
  more: Partial<StartSpec> = {},
): Promise<RuntimeInfo> {
  const outcome = await startIt(platform, configuration, more);
  if (outcome.kind !== "running") {
    throw new Error(`expected it to run: ${JSON.stringify(outcome.failure)}`);
  }
  return outcome.runtimeInfo;
}

/** Starts without any hope. */
export function startIt(
  platform: ProcessPlatform,
  configuration: JsonObject,
  more: Partial<StartSpec> = {},
): Promise<StartOutcome> {
  return platform.start(commandSpec(configuration, more), new AbortController().signal);
}

/** The failure of a start that has to fail. */
export function failureOf(outcome: StartOutcome): Extract<StartOutcome, { kind: "failed" }> {
  if (outcome.kind === "failed") return outcome;
  throw new Error(`expected a failure, got ${JSON.stringify(outcome.runtimeInfo)}`);
}

/** Waits until `condition` gives something, at most `limitMs`. */
export async function eventually<T>(
  what: string,
  condition: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  limitMs = 10_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const value = await condition();
    if (value !== null && value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not within ${limitMs} ms: ${what}`);
}

/** Whether a process runs (a zombie does not). */
export async function isRunning(pid: string | number | undefined): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return status !== "" && !/^State:\s+[ZX]/m.test(status);
}

/** The text of a file, once there is one that is not empty. */
export function fileText(path: string): Promise<string> {
  return eventually(
    `text in ${path}`,
    async () => await Deno.readTextFile(path).catch(() => null) || null,
  );
}

/** Puts a secret into the site's folder of secrets, as its host's owner would: `text` is all that the file holds. */
export async function writeSecret(
  { dataFolder }: ProcessWorld,
  name: string,
  text: string,
  mode = 0o600,
): Promise<void> {
  const path = `${dataFolder}/secrets/${name}`;
  await Deno.mkdir(`${dataFolder}/secrets`, { recursive: true });
  await Deno.writeTextFile(path, text, { mode });
  await Deno.chmod(path, mode);
}
