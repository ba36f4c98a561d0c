// deno-lint-ignore-file explicit-module-boundary-types -- plain JavaScript has no types
/**
 * Servers as processes of this Linux host that outlive their worker, and at most one for an instance: each holds the
 * kernel's lock on its instance's folder for as long as it lives.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Runs under the lock. $1 deadline by the boot clock, $2 fence, $3 the record of the run; then the program. */
const SHIM = `
read -r up _ </proc/uptime; [ "\${up%.*}" -lt "$1" ] || exit 97
last=0; [ ! -e fence ] || read -r last <fence; [ "$2" -ge "$last" ] || exit 98
echo "$2" >fence; printf '{"processId":"%s",%s' "$$" "$3" >run.new && mv run.new run; shift 3
exec "$@"`;

/** Raises the fence to $1; it never falls. */
const FENCE =
  `last=0; [ ! -e fence ] || read -r last <fence; [ "$1" -le "$last" ] || echo "$1" >fence`;

export class ServerProcesses {
  /** How the servers that this process started have ended, by run. */
  #exits = new Map();

  constructor(home, site) {
    this.home = home;
    this.site = site;
  }

  /** Ids of the instances that were ever here. */
  known() {
    const entries = fs.readdirSync(this.home, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  /** Starts the program unless it is too late, something newer was here, or one runs; gives what runs then, or null. */
  async start(instanceId, generation, fence, deadline, { command, env }) {
    const { site } = this;
    const cwd = this.#folder(instanceId);
    const run = { instanceId, status: "Running", runId: randomUUID(), generation, site };
    const record = { ...run, startedAt: Date.now(), runtimeMetadata: { worker: "example" } };
    const output = fs.openSync(`${cwd}/output`, "a");
    const given = [Math.floor(deadline), fence, JSON.stringify(record).slice(1), ...command];
    // --no-fork: the program itself inherits the lock, so it is held until the program ends.
    const words = ["-n", "--no-fork", "lock", "sh", "-c", SHIM, "sh", ...given];
    const server = spawn("flock", words.map(String), {
      cwd,
      detached: true,
      env: { ...process.env, ...env, DRAAS_RUN_ID: run.runId },
      stdio: ["ignore", output, output],
    });
    fs.closeSync(output);
    const exited = new Promise((resolve) =>
      server.on("exit", (code, signal) => resolve({ code, signal }))
    );
    exited.then((exit) => this.#exits.set(run.runId, exit));
    // What ends at once has failed to start.
    await Promise.race([exited, sleep(300)]);
    return await this.live(instanceId);
  }

  /** Ends what runs, and lets nothing older come to life after it; gives the ended run, or null. */
  async stop(instanceId, fence) {
    const run = await this.live(instanceId);
    for (const signal of ["SIGTERM", "SIGKILL"]) {
      if (run && await this.#isLocked(instanceId)) process.kill(-Number(run.processId), signal);
      if (!await this.fence(instanceId, fence, 5)) continue;
      fs.rmSync(`${this.#folder(instanceId)}/run`, { force: true });
      return run && this.ended(run, "Stopped", "stopped on request");
    }
    throw new Error(`${instanceId} does not end`);
  }

  remove(instanceId) {
    fs.rmSync(this.#folder(instanceId), { recursive: true });
  }

  /** Lets nothing older than `fence` be spawned from now on; false when something still runs after `seconds`. */
  async fence(instanceId, fence, seconds) {
    const words = ["-w", seconds, "lock", "sh", "-c", FENCE, "sh", fence];
    return await this.#flock(instanceId, ...words) === 0;
  }

  /** The run that holds the lock; it may hold it for a moment before its record is there. */
  async live(instanceId) {
    const file = `${this.#folder(instanceId)}/run`;
    while (await this.#isLocked(instanceId)) {
      const run = fs.existsSync(file) && JSON.parse(fs.readFileSync(file, "utf8"));
      if (run && fs.existsSync(`/proc/${run.processId}`)) return run;
      await sleep(20);
    }
    return null;
  }

  /** A run that is over, with what is known of its end. */
  ended(run, reason, message) {
    const exit = this.#exits.get(run.runId);
    this.#exits.delete(run.runId);
    const { code, signal } = exit ?? { code: null, signal: null };
    const how = {
      code,
      signal,
      reason: exit || reason === "Stopped" ? reason : "Unknown",
      message,
    };
    return { ...run, status: "Stopped", stoppedAt: Date.now(), exit: how };
  }

  /** The last lines of its output. */
  lines(instanceId, count) {
    const file = `${this.#folder(instanceId)}/output`;
    if (!fs.existsSync(file)) return [];
    return fs.readFileSync(file, "utf8").trimEnd().split("\n").slice(-count);
  }

  #folder(instanceId) {
    const folder = `${this.home}/${instanceId}`;
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }

  async #isLocked(instanceId) {
    return await this.#flock(instanceId, "-n", "lock", "true") !== 0;
  }

  #flock(instanceId, ...words) {
    const options = { cwd: this.#folder(instanceId), stdio: "ignore" };
    return new Promise((resolve, reject) =>
      spawn("flock", words.map(String), options).on("exit", resolve).on("error", reject)
    );
  }
}

/** Seconds since the host booted: a clock that no one sets. */
export function uptime() {
  return Number(fs.readFileSync("/proc/uptime", "utf8").split(" ")[0]);
}
