/**
 * The process table as two long-lived `sh`: one for what is answered at once, one for what reads all of `/proc`, which
 * nobody else is to wait for. Deno refuses to read `/proc` or to signal other processes unless it may do everything;
 * through these, a worker needs to run `sh` and `setsid` only.
 */
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { MarkedProcess, ProcessIdentity, ProcessTable } from "./process_table.ts";
import script from "./process_table.sh" with { type: "text" };
import { ShellAnswers } from "./shell_answers.ts";

/** Opens the process table; each `sh` starts with its first question. `path` is the host's `PATH`. */
export function openShellProcessTable(
  clock: Clock,
  instancesFolder: string,
  path: string,
): ProcessTable {
  const open = () =>
    new ShellAnswers(
      clock,
      { script, name: "draas-process-table", argument: instancesFolder, path },
      tableLost,
    );
  // What reads all of /proc holds up nobody who asks of one process.
  const answers = { quick: open(), slow: open() };
  let boot: string | null = null;
  const ask = (line: string, pace: keyof typeof answers = "quick") => answers[pace].ask(line);

  const first = async (line: string): Promise<string> => {
    const [answer] = await ask(line);
    if (answer === undefined) throw tableLost();
    return answer;
  };
  const isAnswered = async (line: string): Promise<boolean> => (await ask(line)).length > 0;

  return {
    bootId: async () => boot ??= await first("boot"),
    uptimeCs: async () => Number((await first("uptime")).replace(".", "")),
    startTicksOf: async (pid) => (await ask(`probe ${pid}`))[0] ?? null,
    signalGroup: ({ pid, startTicks, bootId }: ProcessIdentity, signal) =>
      isAnswered(`signal ${signal.replace(/^SIG/, "")} ${pid} ${startTicks} ${bootId}`),
    isLocked: (instanceId) =>
      Promise.try(() => isHeld(`${instancesFolder}/${instanceId}/run.lock`)),
    marked: shared(async () => parseMarks(await ask("marked", "slow"))),
    holders: async (instanceId) => (await ask(`holders ${instanceId}`, "slow")).map(Number),
    kill: (pid, proof) =>
      isAnswered(
        "runId" in proof
          ? `kill-marked ${pid} ${proof.runId}`
          : `kill-holder ${pid} ${proof.lockOf}`,
      ),
    // No answer: there is no folder, and no shim starts anything without one.
    raiseFence: async (instanceId, fence, holder) => {
      const whose = holder ? ` ${holder.pid} ${holder.startTicks} ${holder.bootId}` : "";
      const [answer = "raised"] = await ask(`fence ${instanceId} ${fence}${whose}`);
      return answer as "raised" | "held" | "unwritable";
    },
    async close(): Promise<void> {
      await Promise.all(Object.values(answers).map((one) => one.close()));
    },
  };
}

/** Whether anyone holds the lock of this file. It is taken for an instant, shared, so that two that look do not meet. */
function isHeld(path: string): boolean {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  try {
    return !file.tryLockSync(false);
  } finally {
    file.close();
  }
}

/** Lines such as `/proc/12/environ:DRAAS_SITE=s1`, several a process, as processes. */
export function parseMarks(lines: readonly string[]): MarkedProcess[] {
  const marks = new Map<number, Map<string, string>>();
  for (const line of lines) {
    const found = /^\/proc\/(\d+)\/environ:DRAAS_([A-Z_]+)=(.*)$/.exec(line);
    if (!found) continue;
    const [, pid, name, value] = found as unknown as [string, string, string, string];
    const own = marks.get(Number(pid)) ?? new Map<string, string>();
    marks.set(Number(pid), own.set(name, value));
  }
  return [...marks].map(([pid, own]) => ({
    pid,
    site: own.get("SITE") ?? "",
    instanceId: own.get("INSTANCE_ID") ?? "",
    runId: own.get("RUN_ID") ?? "",
    isShim: own.has("SHIM"),
  }));
}

/**
 * Lets calls that come while one is under way share the next one: a thousand exits at once read the
 * process table twice. The one under way may have read too early for them.
 */
function shared<T>(run: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> | null = null;
  let next: Promise<T> | null = null;
  const begin = (): Promise<T> => {
    next = null;
    const mine = run();
    current = mine;
    return mine.finally(() => {
      if (current === mine) current = null;
    });
  };
  return () => {
    if (current === null) return begin();
    next ??= current.then(begin, begin);
    return next;
  };
}

function tableLost(): OperationalError {
  return new OperationalError(
    "process_table_lost",
    "the shell that watches the host's processes ended",
    true,
    "Try again; if it persists, check that sh, grep and flock are on the worker's PATH.",
  );
}
