#!/usr/bin/env node
/**
 * A worker that shares no code with DRaaS: plain Node.js on Linux. It runs instances of the template `command` on the
 * platform `process`. docs/wire-protocol.md explains each step.
 *
 *   node worker.mjs redis://127.0.0.1:6379 default my-worker /var/lib/my-worker
 *
 * It is crash-only: whatever goes wrong ends it, its servers live on, and a supervisor starts it again.
 */
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "./redis_connection.mjs";
import { ServerProcesses, uptime } from "./server_processes.mjs";

const [url, namespace, worker, home] = process.argv.slice(2);
const SLOTS = 8;
const BASE = "log versions runs placed commands payloads workers beats meta leader origins"
  .split(" ").map((name) => `{draas:${namespace}}:${name}`);
const [, VERSIONS, RUNS, PLACED, COMMANDS, PAYLOADS] = BASE;
const site = lasting("site");
const ALL = `{draas:${namespace}}:instance.commands.process`;
const HERE = `${ALL}.${site}`;
const STREAMS = [`${ALL}:urgent`, `${HERE}:urgent`, HERE, ALL];
const CONTROL = `{draas:${namespace}}:worker.${worker}.control`;
const QUERIES = `${HERE}.queries`;
const servers = new ServerProcesses(home, site);
const redis = connect(url, giveUp);
const waiting = connect(url, giveUp);
/** The work of each instance, one command after the other. */
const lanes = new Map();
let incarnation;

process.on("unhandledRejection", giveUp);
await join();
await Promise.all([takeLoop(), beatLoop()]);

/** Registers a new life of this worker, and takes over what the last one had accepted. */
async function join() {
  incarnation = randomUUID();
  const machine = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const offer = [worker, incarnation, machine, "process", site, SLOTS, "example-1", "{}"];
  const keys = [CONTROL, ...STREAMS, QUERIES];
  const [answer, why] = await call("register", keys, [...offer, 5000, 64]);
  if (answer !== "registered") throw new Error(`not registered: ${why}`);
  const records = await redis("HGETALL", COMMANDS);
  for (let at = 0; at < records.length; at += 2) {
    if (JSON.parse(records[at + 1]).accepted?.workerId !== worker) continue;
    undertake(await redis("HGET", PAYLOADS, records[at]));
  }
  for (const id of servers.known()) inLane(id, () => endUnknown(id));
}

async function takeLoop() {
  for (;;) {
    const free = Math.max(0, SLOTS - lanes.size);
    const limits = [free, 64, 500, 5, 1];
    const [kind, ...taken] = await call("take", STREAMS, [worker, incarnation, ...limits]);
    // Superseded or given up: the next beat decides what becomes of it.
    if (kind === "refused") {
      await sleep(1000);
      continue;
    }
    for (const [index, , text] of taken) undertake(text, STREAMS[index - 1]);
    if (taken.length > 0) continue;
    // A worker that drains, or has no slot free, waits for stops and deletes only.
    const some = kind === "taken" && free > 0 ? STREAMS : STREAMS.slice(0, 2);
    const from = [CONTROL, QUERIES, ...some];
    const group = ["GROUP", "workers", worker, "COUNT", 1, "BLOCK", 500];
    const read = await waiting("XREADGROUP", ...group, "STREAMS", ...from, ...from.map(() => ">"));
    for (const [stream, [[entry, fields]]] of read ?? []) {
      if (stream === QUERIES) await answer(JSON.parse(fields[1]));
      else if (stream !== CONTROL) undertake(fields[3], stream);
      if (stream === QUERIES || stream === CONTROL) {
        await redis("XACK", stream, "workers", entry);
        await redis("XDEL", stream, entry);
      }
    }
  }
}

/** Says each second that it lives, and tells of servers that the log takes for live and that have ended. */
async function beatLoop() {
  for (;; await sleep(1000)) {
    const [beat, why] = await call("heartbeat", [], [worker, incarnation, lanes.size]);
    if (why === "superseded") process.exit(3);
    if (beat !== "ok") await join();
    for (const member of await redis("ZRANGEBYLEX", PLACED, `[${site}|`, `(${site}}`)) {
      const id = member.slice(site.length + 1);
      if (!lanes.has(id)) inLane(id, () => reportEnd(id));
    }
  }
}

/** Accepts a command, does it and completes it, in its instance's turn. */
function undertake(text, stream) {
  const command = JSON.parse(text);
  const { messageId, instanceId } = command;
  // Nothing here would end the server when its lease is over: that is for a worker that can.
  if (command.leaseMs) return;
  inLane(instanceId, async () => {
    const deadline = uptime() + 10;
    const keys = stream ? [stream] : [];
    const [kind, ...right] = await call("accept", keys, [worker, incarnation, messageId]);
    // Ended, taken or busy: what is still to be done is offered again, to whoever can do it.
    if (kind !== "accepted") return;
    const attempt = Number(right[0]);
    const outcome = await perform(command, attempt, right[1] === "1", deadline);
    const response = { type: command.type.replace("Command", "Response"), instanceId, ...outcome };
    const data = JSON.stringify({ commandId: messageId, attempt, workerId: worker, response });
    const [, why] = await call("complete", [], [worker, incarnation, data]);
    // It was given up meanwhile (a forced delete), so nobody knows of what it has started.
    if (why === "ended") await endUnknown(instanceId);
  });
}

async function perform(command, attempt, settle, deadline) {
  const { type, instanceId, generation, configuration, limits = {} } = command;
  // Grows with each command and each attempt: nothing older comes to life after it.
  const fence = generation * 1000 + attempt;
  if (type === "StopInstanceCommand" || type === "DeleteInstanceCommand") {
    const ended = await servers.stop(instanceId, fence);
    if (type === "DeleteInstanceCommand") servers.remove(instanceId);
    return { success: true, ...(ended && { runtimeInfo: ended }) };
  }
  // Taken over: a spawn of the life before may be under way. After the fence it has happened, or never will.
  if (attempt > 1) await servers.fence(instanceId, fence, 0);
  const found = await servers.live(instanceId);
  if (found && (settle || found.generation === generation)) {
    return { success: true, runtimeInfo: found };
  }
  if (settle) return failed("superseded", "A newer request came first; nothing was started.");
  const argv = configuration?.command;
  if (!Array.isArray(argv) || !argv[0] || !argv.every((one) => typeof one === "string")) {
    return failed(
      "configuration_invalid",
      "Configuration is invalid: command must be an array of strings",
    );
  }
  const ended = found && await servers.stop(instanceId, fence);
  const half = ended && type === "RestartInstanceCommand" ? { stopped: ended } : {};
  const runtimeInfo = await servers.start(instanceId, generation, fence, deadline, configuration);
  if (runtimeInfo) {
    return { success: true, runtimeInfo: { ...runtimeInfo, ...notSet(limits) }, ...half };
  }
  const message = `The server ended at once: ${servers.lines(instanceId, 1)}`;
  return { ...failed("start_failed", message, true), ...half };
}

/** Says of each limit that nothing here holds it. */
function notSet(limits) {
  const names = Object.keys(limits);
  const reasons = names.map((name) => [name, "this worker sets no limits"]);
  return names.length > 0 ? { limitsNotSet: Object.fromEntries(reasons) } : {};
}

function failed(errorCode, errorMessage, retryable = false) {
  return { success: false, errorCode, errorMessage, retryable };
}

/** Ends a live run that the log has given up. What the log has never heard of is another fleet's, and left alone. */
async function endUnknown(id) {
  const run = await servers.live(id);
  const standing = await redis("HGET", VERSIONS, id);
  const known = JSON.parse(await redis("HGET", RUNS, id) ?? "{}");
  if (!run || standing === null || known.runId === run.runId) return;
  const generation = Number(standing.split(" ")[1]);
  if (generation >= run.generation) await servers.stop(id, generation * 1000);
}

/** Tells the log that a run which it takes for live has ended. */
async function reportEnd(id) {
  const { info } = JSON.parse(await redis("HGET", RUNS, id) ?? "{}");
  const live = await servers.live(id);
  if (!info || live?.runId === info.runId) return;
  const runtimeInfo = servers.ended(info, "Exited", "ended by itself");
  const data = { instanceId: id, observation: "Exited", runtimeInfo, workerId: worker };
  await call("observe", [], [worker, incarnation, JSON.stringify(data)]);
}

/** Answers a question with one chunk. It is no command: nothing of it is in the log. */
async function answer({ replyChannel, query }) {
  const lines = servers.lines(query.instanceId, query.tailLines);
  await redis("PUBLISH", replyChannel, JSON.stringify({ number: 0, lines, end: true }));
}

function inLane(id, work) {
  const lane = (lanes.get(id) ?? Promise.resolve()).then(work);
  lanes.set(id, lane);
  lane.then(() => lanes.get(id) === lane && lanes.delete(id));
}

/** Calls a function of the library; one that lacks a key names it before it does anything. */
async function call(step, more, args) {
  const keys = [...BASE, ...more];
  const answer = await redis("FCALL", `draas_v1_${step}`, keys.length, ...keys, ...args);
  return answer[0] === "keys" ? await call(step, [...more, answer[1]], args) : answer;
}

/** An id that is made once and kept in this worker's folder. */
function lasting(name) {
  fs.mkdirSync(home, { recursive: true });
  const file = `${home}/${name}`;
  if (!fs.existsSync(file)) fs.writeFileSync(file, randomUUID());
  return fs.readFileSync(file, "utf8");
}

function giveUp(error) {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exit(1);
}
