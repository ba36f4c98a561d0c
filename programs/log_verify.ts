/** `deno task log:verify`: folds the whole log anew and compares; on Redis beside what runs, embedded while nothing does. */
import { type LogVerification, verifyLog } from "../actors/log_verification.ts";
import { hostIds, nextTurn } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openSqliteBroker } from "../adapters/sqlite/sqlite_broker.ts";
import { OperationalError } from "../events/errors.ts";
import type { EventLog, LogRetention } from "../events/event_log.ts";
import type { Settings } from "../settings/settings.ts";
import { openRedis } from "./redis_access.ts";
import { whenRedisAnswers } from "./redis_wait.ts";
import type { Telemetry } from "./telemetry.ts";
import { endAtOnce, say } from "./terminal.ts";
import type { Voice } from "./voice.ts";

/** What there is to prove. */
interface OpenLog {
  log: EventLog;
  retention: LogRetention;
  close(): Promise<void>;
}

/** Runs the program; gives its exit code: 1 when anything is not as the events say. */
export async function verify(
  settings: Settings,
  _environment: Readonly<Record<string, string>>,
  { voice }: Telemetry,
): Promise<number> {
  const open = await openLog(settings, voice);
  try {
    const report = await verifyLog(open.log, open.retention);
    say(summaryOf(report));
    for (const { instanceId, position, where, message } of report.differences) {
      voice.tell("error", `${where} at ${position}, instance ${instanceId}: ${message}`, {
        instanceId,
      });
    }
    return report.differenceCount === 0 ? 0 : 1;
  } finally {
    await open.close();
  }
}

async function openLog(settings: Settings, voice: Voice): Promise<OpenLog> {
  if (settings.redisUrl !== null) {
    const wait = { clock: hostClock, voice, waitMs: settings.redisWaitMs };
    return await whenRedisAnswers(wait, () => openRedis(settings, voice));
  }
  const folder = `${settings.dataDir}/log`;
  // A log that is not there would be made, and proved to be empty.
  if (!await isThere(folder)) {
    throw new OperationalError(
      "log_missing",
      `There is no log in ${settings.dataDir}.`,
      false,
      "Name the folder that has one: --data-dir; or a Redis: REDIS_URL.",
    );
  }
  return openSqliteBroker({
    folder,
    clock: hostClock,
    ids: hostIds,
    defer: nextTurn,
    onFatal: (error) => endAtOnce(voice, error),
  });
}

async function isThere(folder: string): Promise<boolean> {
  try {
    return (await Deno.stat(folder)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function summaryOf(report: LogVerification): string {
  const { from, to, events, instances, baselines, snapshotStates, differenceCount } = report;
  const snapshot = snapshotStates === null ? "no snapshot" : `${snapshotStates} of the snapshot`;
  const verdict = differenceCount === 0
    ? "The log is what it says."
    : `${differenceCount} differences.`;
  return `${events} events of ${instances} instances, ${from} to ${to}; compared: ${baselines} baselines, ${snapshot}.\n${verdict}`;
}
