/** The production ports with kill points around their calls; the parts behind and above them are as they are. */
import type { EventLog } from "../../events/event_log.ts";
import type { WorkerChannel } from "../../events/worker_channel.ts";
import type { Platform } from "../../workers/platform.ts";
import type { KillPoint, Trigger } from "./kill_points.ts";

/** A log that may kill around `append`. */
export function killingLog(log: EventLog, trigger: Trigger): EventLog {
  return instead(log, {
    append: async (batch) => {
      trigger.pass("append:before");
      const outcome = await log.append(batch);
      trigger.pass("append:after");
      return outcome;
    },
  });
}

/** A worker's channel that may kill around `accept` and `complete`. */
export function killingChannel(channel: WorkerChannel, trigger: Trigger): WorkerChannel {
  return instead(channel, {
    accept: async (commandId) => {
      trigger.pass("accept:before");
      const outcome = await channel.accept(commandId);
      if (outcome.kind === "accepted") trigger.pass("accept:after");
      return outcome;
    },
    complete: async (commandId, attempt, response) => {
      trigger.pass("complete:before");
      const outcome = await channel.complete(commandId, attempt, response);
      trigger.pass("complete:after");
      return outcome;
    },
  });
}

/** Places that only a shim passes: its own tools kill there. */
export const SHIM_POINTS = [
  "lock:before",
  "lock:after",
  "lock:frozen",
  "spawn:after",
] as const satisfies readonly KillPoint[];

export type ShimPoint = (typeof SHIM_POINTS)[number];

/** A platform that may kill when a start is entered, or have the shim of that start kill. */
export function killingPlatform(platform: Platform, trigger: Trigger, tools: string): Platform {
  return instead(platform, {
    start: (spec, signal) => {
      trigger.pass("spawn:before");
      const due = SHIM_POINTS.find((point) => trigger.isDue(point));
      if (due) armShim(tools, due);
      return platform.start(spec, signal);
    },
  });
}

/** `target` with some of its calls replaced; all others reach it as they are, whatever the port grows. */
function instead<T extends object>(target: T, calls: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(name in calls ? calls : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Has the next shim to pass the place kill the process `victim`. */
export function armShim(tools: string, point: ShimPoint, victim = Deno.pid): void {
  // Longer and shorter than a restart takes, so that a shim thaws before, during and after the next start.
  const freezeMs = 100 + Math.floor(Math.random() * 400);
  Deno.writeTextFileSync(
    `${tools}/${point}`,
    `${victim} 0.${String(freezeMs).padStart(3, "0")}\n`,
  );
}

/**
 * Makes a folder with `flock` and `setsid` of its own, to be put first on the platform's search path: the shim takes
 * its lock by the one and becomes the server by the other, so both places need no hook in production code.
 */
export function makeShimTools(folder: string): void {
  Deno.mkdirSync(folder, { recursive: true });
  for (const [name, script] of [["flock", FLOCK], ["setsid", SETSID]] as const) {
    Deno.writeTextFileSync(`${folder}/${name}`, script, { mode: 0o755 });
  }
}

/** Forgets what a life before had armed: its process id may be another's by now. */
export function disarmShim(tools: string): void {
  for (const point of SHIM_POINTS) {
    try {
      Deno.removeSync(`${tools}/${point}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

// The process table uses flock too; only shims carry DRAAS_SHIM.
const KILL = `
strike() {
  [ -r "\${0%/*}/$1" ] && read -r victim freeze <"\${0%/*}/$1" || return 1
  rm -f "\${0%/*}/$1"
  kill -9 "$victim"
}
`;
const FLOCK = `#!/bin/sh
${KILL}
[ -n "$DRAAS_SHIM" ] && strike lock:before
[ -n "$DRAAS_SHIM" ] && strike lock:frozen && sleep "$freeze"
/usr/bin/flock "$@"
code=$?
[ -n "$DRAAS_SHIM" ] && [ "$code" = 0 ] && strike lock:after
exit "$code"
`;
const SETSID = `#!/bin/sh
${KILL}
# It makes the shim's session first, and then the server's.
[ -n "$DRAAS_SHIM" ] || strike spawn:after
exec /usr/bin/setsid "$@"
`;
