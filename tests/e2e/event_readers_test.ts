/** A thousand readers of the fleet's log over real sockets, and a kill of the control plane in the midst: no gap, no repeat. Design §6. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../workers/process_world.ts";
import { type ControlPlane, withProgram } from "./support/control_plane.ts";
import { StreamReader } from "./support/stream_reader.ts";

const READERS = 1_000;
const EVENTS = 2_000;
/** Asked at once: what they answer comes in few commits. */
const INSTANCES = 100;
/** Some 15 s where nothing else runs. */
const LIMIT_MS = 120_000;
/** For the program itself some 150 MiB; for each reader what waits for it. */
const MEMORY_MAX_KIB = 700 * 1024;

const stop = (life: ControlPlane, id: string, key: string) =>
  life.call(`POST /api/server/instances/${id}/stop`, undefined, { "idempotency-key": key });

/** Asks each instance for so many stops under keys of their own; each is one event of a stopped one. */
async function write(life: ControlPlane, ids: readonly string[], events: number, round: string) {
  await Promise.all(ids.map(async (id) => {
    for (let n = 0; n < events / ids.length; n++) {
      assertEquals((await stop(life, id, `${round}-${n}`)).status, 200);
    }
  }));
}

async function headOf(life: ControlPlane): Promise<number> {
  return parseInt((await life.call("GET /readyz")).json.position, 10);
}

async function memoryOf({ pid }: ControlPlane): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]);
}

Deno.test(`${READERS} readers hear each of ${EVENTS} events once, in order, over a kill -9 of the control plane`, () =>
  withProgram(async (world) => {
    const first = await world.start();
    const ids = await Promise.all(Array.from({ length: INSTANCES }, async (_, n) => {
      const body = {
        name: `n${n}`,
        template: "command",
        serverConfiguration: { command: ["true"] },
      };
      return (await first.call("POST /api/server/instances", body)).json.id as string;
    }));
    let url = await first.ready();
    const readers = Array.from({ length: READERS }, () => new StreamReader(() => url));
    const following = readers.map((reader) => reader.follow());
    try {
      const all = async (what: string, life: ControlPlane) => {
        const head = await headOf(life);
        await eventually(`${READERS} readers have heard ${what}`, () => {
          for (const { fault } of readers) if (fault !== null) throw new Error(fault);
          return readers.every(({ last }) => last === head);
        }, LIMIT_MS);
      };
      await all("of the instances", first);
      await write(first, ids, EVENTS / 2, "a");
      // Some have read to the end by now, and some have not.
      const head = await headOf(first);
      const memory = await memoryOf(first);
      await first.end("SIGKILL");
      const second = await world.start();
      url = await second.ready();
      assert(await headOf(second) >= head, "what was told is in the log");
      await write(second, ids, EVENTS / 2, "b");
      await all("everything", second);
      assertEquals(await headOf(second), INSTANCES + EVENTS);
      assert(readers.every(({ connections }) => connections >= 2), "each has come back");
      for (const used of [memory, await memoryOf(second)]) {
        assert(used < MEMORY_MAX_KIB, `the control plane used ${used} KiB`);
      }
    } finally {
      for (const reader of readers) reader.leave();
      await Promise.all(following);
    }
  }));
