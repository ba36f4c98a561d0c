/** Two hundred servers outlive the kill of their worker, and its next life knows what became of each of them. */
import { assertEquals } from "@std/assert";
import { eventually } from "../workers/process_world.ts";
import { commandInstance, type ControlPlane } from "./support/control_plane.ts";
import { type RedisFleet, testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";
const FLEET = 200;
const CALLERS = 32;
const LIMIT_MS = 60_000;
/** It says that it was spawned, then waits, without costing anything, to be told how to end. */
const PROGRAM = 'echo $$ >>spawns; mkfifo go; read -r code <go; exit "$code"';
const CODES = [0, 1, 2, 3, 42, 64, 77, 100, 126, 127];
const SIGNALS = ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGUSR1", "SIGHUP"] as const;

/** One instance of the fleet, and how it is to end. */
interface Member {
  id: string;
  pid: string;
  folder: string;
}

type End = { code: number } | { signal: Deno.Signal };

/** What the API says of an instance. */
interface Told {
  status: string;
  processId: string;
  end: [number | null, string | null] | null;
}

testWithFleet(
  `${FLEET} servers outlive the kill of their worker: each is found, each exit is known, none is started twice`,
  async (fleet) => {
    const api = await fleet.serve();
    const first = await fleet.worker("w1");
    const members = await startAll(fleet, api);

    await first.end("SIGKILL");
    const meanwhile = members.slice(0, 40);
    const expected = new Map(members.map(({ id, pid }) => [id, running(pid)]));
    meanwhile.forEach((member, index) => expected.set(member.id, letEnd(member, endOf(index))));
    const left = FLEET - meanwhile.length;
    await eventually("they end", () => fleet.servers("w1").length === left, LIMIT_MS);

    const second = await fleet.worker("w1");
    await second.hears(new RegExp(`Found +${left} servers running`));
    await toldAs(api, expected);

    const later = members.slice(40, 60);
    later.forEach((member, index) => expected.set(member.id, letEnd(member, endOf(index))));
    await toldAs(api, expected);

    const spawns = members.map(({ folder }) => Deno.readTextFileSync(`${folder}/spawns`));
    assertEquals(spawns, members.map(({ pid }) => `${pid}\n`), "each was spawned once");
    const alive = fleet.servers("w1").map(({ pid }) => String(pid)).sort();
    assertEquals(alive, members.slice(60).map(({ pid }) => pid).sort(), "the rest never ended");
  },
);

async function startAll(fleet: RedisFleet, api: ControlPlane): Promise<Member[]> {
  const members: Member[] = [];
  const waiting = Array.from({ length: FLEET }, (_, index) => index);
  const call = async () => {
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      const body = commandInstance(`s${index}`, ["/bin/sh", "-c", PROGRAM], "never");
      const { json: { id } } = await api.call(`POST ${INSTANCES}`, body);
      const { status, json } = await api.call(`POST ${INSTANCES}/${id}/start?timeout=60s`);
      assertEquals(status, 200, JSON.stringify(json));
      const folder = `${fleet.folder}/w1/process/instances/${id}`;
      members.push({ id, pid: json.runtimeInfo.processId, folder });
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
  return members;
}

/** By turns a code of its own and a signal. */
function endOf(index: number): End {
  const half = index >> 1;
  return index % 2 === 0
    ? { code: CODES[half % CODES.length]! }
    : { signal: SIGNALS[half % SIGNALS.length]! };
}

/** Lets it end so; gives what is then to be told of it. */
function letEnd({ pid, folder }: Member, end: End): Told {
  if ("signal" in end) {
    Deno.kill(Number(pid), end.signal);
    return { status: "Failed", processId: pid, end: [null, end.signal] };
  }
  Deno.writeTextFileSync(`${folder}/go`, `${end.code}\n`);
  const status = end.code === 0 ? "Stopped" : "Failed";
  return { status, processId: pid, end: [end.code, null] };
}

function running(pid: string): Told {
  return { status: "Running", processId: pid, end: null };
}

/** Waits until the API tells of the fleet what is expected; says what differs if it never does. */
async function toldAs(api: ControlPlane, expected: ReadonlyMap<string, Told>): Promise<void> {
  let told = new Map<string, Told>();
  const isTold = async () => {
    told = await toldBy(api);
    return [...expected].every(([id, one]) => JSON.stringify(told.get(id)) === JSON.stringify(one));
  };
  await eventually("all is told", isTold, LIMIT_MS).catch(() => assertEquals(told, expected));
  assertEquals(told.size, expected.size);
}

async function toldBy(api: ControlPlane): Promise<Map<string, Told>> {
  const { json: { items } } = await api.call(`GET ${INSTANCES}?limit=${FLEET}`);
  // deno-lint-ignore no-explicit-any -- an answer of the API
  return new Map(items.map(({ id, status, runtimeInfo: { processId, exit } }: any) => [
    id,
    { status, processId, end: exit ? [exit.code, exit.signal] : null },
  ]));
}
