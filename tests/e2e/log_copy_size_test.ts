/** A long log is copied, proved and imported in a memory that does not grow with it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { SqliteTables } from "../../adapters/sqlite/sqlite_tables.ts";
import { CURRENT_SCHEMA } from "../../events/instance_events.ts";
import { created } from "../contracts/broker_samples.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const EVENTS = 100_000;
const INSTANCES = 50;
/** So long that all events together are twice the memory that a program may use. */
const REQUEST = "x".repeat(1_000);
/** Of V8's heap, MiB: enough for a program with all that it loads, and for no log of this size. */
const HEAP_MIB = 64;

/** Writes a log with so many events as if a node had, but without its pace. */
function writeLog(folder: string): void {
  const tables = SqliteTables.open(folder);
  const last = new Map<string, number>();
  const meta = JSON.stringify({ requestedBy: "tester" });
  const answered = JSON.stringify({ request: REQUEST, commandId: null });
  const birth = JSON.stringify(created().data);
  tables.begin();
  for (let sequence = 1; sequence <= EVENTS; sequence++) {
    const instanceId = `i-${sequence % INSTANCES}`;
    const previous = last.get(instanceId) ?? 0;
    const type = previous === 0 ? "InstanceCreated" : "RequestAnswered";
    const version = Math.floor((sequence - 1) / INSTANCES) + 1;
    const data = previous === 0 ? birth : answered;
    const schema = CURRENT_SCHEMA[type];
    const at = 1_750_000_000_000 + sequence;
    tables.events.add({ sequence, previous, instanceId, version, type, schema, at, data, meta });
    last.set(instanceId, sequence);
  }
  for (const [instanceId, lastSequence] of last) {
    tables.instances.put({
      instanceId,
      version: EVENTS / INSTANCES,
      generation: 0,
      lastSequence,
      originSequence: lastSequence - EVENTS + INSTANCES,
      runId: null,
      endedRunId: null,
      runtimeInfo: null,
      completed: null,
    });
  }
  tables.commit();
  tables.close();
}

testWithFleet(
  "a hundred thousand events go from SQLite to Redis and back to a file through a small heap",
  async (fleet) => {
    const folder = `${fleet.folder}/w1`;
    writeLog(`${folder}/log`);
    const small = { DENO_V8_FLAGS: `--max-old-space-size=${HEAP_MIB}` };
    const embedded = { ...small, REDIS_URL: "" };
    const done = async (task: string, args: string[], environment = small) => {
      const { code, stdout, stderr } = await fleet.begin(task, args, environment).ended;
      assertEquals(code, 0, stderr);
      return stdout;
    };
    const [file, back] = [`${fleet.folder}/fleet.ndjson.gz`, `${fleet.folder}/back.ndjson.gz`];
    const told = await done("log:export", ["--to", file, "--data-dir", folder], embedded);
    assertStringIncludes(told, `${EVENTS} events of ${INSTANCES} instances`);
    assertStringIncludes(
      await done("backup:verify", ["--from", file]),
      "The copy is what it says.",
    );
    const imported = await done("log:import", ["--from", file]);
    assertStringIncludes(
      imported,
      `${INSTANCES} of ${INSTANCES} instances are what the copy makes`,
    );
    assertEquals(await fleet.redis.cli("XLEN", "{draas:default}:log"), String(EVENTS));
    const again = await done("log:export", ["--to", back]);
    assertEquals(digestIn(again), digestIn(told));
  },
);

function digestIn(words: string): string | undefined {
  return /^Digest (\w+)$/m.exec(words)?.[1];
}
