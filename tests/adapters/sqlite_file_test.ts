/** The log's file: locked, checked, and never overwritten, whatever was done to it. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { openSqliteBroker } from "../../adapters/sqlite/sqlite_broker.ts";
import { openingFailure, writingFailure } from "../../adapters/sqlite/sqlite_faults.ts";
import { SqliteTables } from "../../adapters/sqlite/sqlite_tables.ts";
import { START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { newEvent } from "../../events/instance_events.ts";
import { appended, batch } from "../contracts/broker_samples.ts";
import { embeddedPorts, sqliteWorld } from "./embedded_world.ts";

/** A closed log of some size. */
async function closedLog(run: (folder: string, file: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-log-" });
  const broker = openSqliteBroker({ ...embeddedPorts(), folder });
  const events = [newEvent("Baseline", { state: { text: "x".repeat(2_000) } })];
  for (let n = 0; n < 20; n++) await appended(broker, batch("a", n, { events }));
  await broker.close();
  try {
    await run(folder, join(folder, "draas.sqlite"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Overwrites a page in the middle of the file. */
async function spoilMiddle(file: string): Promise<void> {
  const opened = await Deno.open(file, { write: true });
  const { size } = await opened.stat();
  await opened.seek(Math.floor(size / 8_192) * 4_096, Deno.SeekMode.Start);
  await opened.write(new Uint8Array(4_096).fill(0xa5));
  opened.close();
}

/** Opening fails with this code, says what to do, and leaves the file as it was. */
function assertRefused(folder: string, file: string, code: string): OperationalError {
  const before = Deno.readFileSync(file);
  const open = () => openSqliteBroker({ ...embeddedPorts(), folder });
  const error = assertThrows(open, OperationalError);
  assertEquals(error.code, code, error.message);
  assert(error.hint.length > 10, "it says what to do");
  assertEquals(Deno.readFileSync(file), before, "the file is as it was");
  return error;
}

Deno.test("a folder that another broker has open is refused", async () => {
  const world = await sqliteWorld();
  const open = () => openSqliteBroker({ ...embeddedPorts(), folder: world.folder });
  const error = assertThrows(open, OperationalError);
  assertEquals([error.code, error.retryable], ["data_folder_in_use", true]);
  assertStringIncludes(error.message, world.folder);
  await appended(world.broker, batch("a", 0));
  await world.close();
});

Deno.test("a folder that another process has open is refused, and free when that is gone", async () => {
  await closedLog(async (folder, file) => {
    const holder = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { DatabaseSync } from "node:sqlite";
         const database = new DatabaseSync(${JSON.stringify(file)});
         database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT;");
         console.log("open");
         await new Promise((resolve) => setTimeout(resolve, 60_000));`,
      ],
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    const open = () => openSqliteBroker({ ...embeddedPorts(), folder });
    assertEquals(assertThrows(open, OperationalError).code, "data_folder_in_use");
    holder.kill("SIGKILL");
    await holder.status;
    await reader.cancel();
    const broker = open();
    assertEquals((await broker.log.read(START, 99)).length, 20);
    await broker.close();
  });
});

Deno.test("a file that is no database is refused by name and kept", async () => {
  await closedLog(async (folder, file) => {
    await Deno.writeTextFile(file, "not a database ".repeat(1_000));
    assertStringIncludes(assertRefused(folder, file, "data_damaged").message, file);
  });
});

Deno.test("another program's database is refused and kept", async () => {
  await closedLog(async (folder, file) => {
    await Deno.remove(file);
    const database = new DatabaseSync(file);
    database.exec("CREATE TABLE theirs (id INTEGER)");
    database.close();
    assertRefused(folder, file, "data_damaged");
  });
});

Deno.test("a file that was cut short is refused and kept", async () => {
  await closedLog(async (folder, file) => {
    const { size } = await Deno.stat(file);
    await Deno.truncate(file, size - 3 * 4_096);
    assertRefused(folder, file, "data_damaged");
  });
});

Deno.test("after a crash the whole file is checked, and damage in the middle is found", async () => {
  await closedLog(async (folder, file) => {
    const tables = SqliteTables.open(folder);
    tables.database.close();
    await spoilMiddle(file);
    assertRefused(folder, file, "data_damaged");
  });
});

Deno.test("after an orderly end the file is opened without a check; damage is told when it is met", async () => {
  await closedLog(async (folder, file) => {
    await spoilMiddle(file);
    const fatal: unknown[] = [];
    const onFatal = (error: unknown) => fatal.push(error);
    const broker = openSqliteBroker({ ...embeddedPorts(), folder, onFatal });
    const error = await assertRejects(() => broker.log.read(START, 99), OperationalError);
    assertEquals(error.code, "data_damaged");
    assertEquals(fatal, [error]);
    await assertRejects(() => broker.log.append(batch("b", 0)), OperationalError, file);
    await broker.close();
    assertRefused(folder, file, "data_damaged");
  });
});

Deno.test("a broker that cannot be opened leaves the folder free", async () => {
  await closedLog(async (folder, file) => {
    const database = new DatabaseSync(file);
    // Beyond what a number can hold: the newest event's time cannot be read.
    database.exec("UPDATE events SET at = 9223372036854775807 WHERE sequence = 20");
    database.close();
    for (const attempt of ["first", "second"]) {
      const open = () => openSqliteBroker({ ...embeddedPorts(), folder });
      const error = assertThrows(open, Error);
      assert(!(error instanceof OperationalError), `the ${attempt} failure is not about a lock`);
    }
  });
});

Deno.test("what is over does not stay in the file: old keys, old snapshots", async () => {
  const world = await sqliteWorld();
  const { broker, tables } = world;
  for (let n = 0; n < 20; n++) {
    const meta = { idempotency: { key: `k-${n}`, digest: "d" } };
    await appended(broker, batch("a", n, { meta, keepKeyMs: 100 }));
    await world.advance(60);
  }
  const fence = (await broker.leadership.acquire("node", 1_000))!;
  for (const position of ["5-0", "9-0"]) {
    const states = Array.from({ length: 3_000 }, () => JSON.stringify("x".repeat(200)));
    await broker.retention.saveSnapshot({ position, schema: 1, states }, fence);
  }
  const count = (table: string) =>
    tables.database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n as number;
  assertEquals(count("keys"), 2);
  assertEquals(count("snapshots"), 1);
  assertEquals(count("snapshot_chunks"), 3);
  await world.close();
});

Deno.test("the newest event is never cut, so that the log's numbers go on", async () => {
  const world = await sqliteWorld();
  const { broker, tables } = world;
  const fence = (await broker.leadership.acquire("node", 1_000))!;
  const baseline = [newEvent("Baseline", { state: {} })];
  for (let n = 0; n < 3; n++) await appended(broker, batch("a", n, { events: baseline }));
  tables.database.exec("UPDATE instances SET origin_sequence = 99");
  assertEquals(await broker.retention.trim("50-0", fence), 2);
  assertEquals(await broker.log.head(), "3-0");
  await world.close();
});

Deno.test("a log of a newer release is refused and kept", async () => {
  await closedLog(async (folder, file) => {
    const database = new DatabaseSync(file);
    database.exec("PRAGMA user_version = 99");
    database.close();
    const error = assertRefused(folder, file, "data_from_newer_version");
    assertEquals(error.retryable, false);
    assertStringIncludes(error.message, "99");
  });
});

Deno.test("a data folder that cannot be a folder is refused", async () => {
  await closedLog(async (_folder, file) => {
    const open = () => openSqliteBroker({ ...embeddedPorts(), folder: join(file, "under") });
    assertEquals(assertThrows(open, OperationalError).code, "data_folder_unusable");
  });
});

Deno.test("a data folder that cannot be written is refused", () => {
  // The superuser, as whom tests may run, can write anywhere: so SQLite's answers stand in for the folder.
  for (const errcode of [8, 14, 1_032]) {
    const cause = Object.assign(new Error("attempt to write a readonly database"), { errcode });
    const error = openingFailure(cause, "/data", "/data/draas.sqlite") as OperationalError;
    assertEquals([error.code, error.retryable], ["data_folder_read_only", false]);
    assertStringIncludes(error.message, "/data");
  }
});

Deno.test("a failed fsync is fatal; a full disk is not; a bug is the step's own", () => {
  const of = (errcode: number, message: string) =>
    writingFailure(Object.assign(new Error(message), { errcode }), "log");
  assertEquals([of(1_034, "disk I/O error")?.fatal, of(1_034, "")?.error.code], [
    true,
    "log_indeterminate",
  ]);
  assertEquals([of(13, "full")?.fatal, of(13, "full")?.error.code], [false, "log_unwritable"]);
  assertEquals(of(11, "malformed")?.error.code, "data_damaged");
  assertEquals(of(19, "constraint failed"), null);
  assertEquals(writingFailure(new TypeError("x is undefined"), "log"), null);
});

Deno.test("a full disk refuses writes, loses nothing, and goes on when there is room", async () => {
  const world = await sqliteWorld();
  const { broker, tables } = world;
  await appended(broker, batch("a", 0));
  const pages = Object.values(tables.database.prepare("PRAGMA page_count").get()!)[0];
  tables.database.exec(`PRAGMA max_page_count = ${pages}`);
  const events = [newEvent("Baseline", { state: { text: "x".repeat(100_000) } })];
  const outcomes = await Promise.allSettled([
    broker.log.append(batch("b", 0)),
    broker.log.append(batch("c", 0, { events })),
  ]);
  for (const outcome of outcomes) {
    const { code, retryable } = (outcome as PromiseRejectedResult).reason as OperationalError;
    assertEquals([code, retryable], ["log_unwritable", true]);
  }
  assertEquals((await broker.log.read(START, 9)).length, 1);
  tables.database.exec("PRAGMA max_page_count = 1000000");
  await appended(broker, batch("c", 0, { events }));
  await world.reopen();
  assertEquals((await world.broker.log.read(START, 9)).map((event) => event.position), [
    "1-0",
    "2-0",
  ]);
  await world.close();
});

Deno.test("the log of a file is on the disk when it is acknowledged, and says so", async () => {
  const world = await sqliteWorld();
  assertEquals(await world.broker.log.durability(), "disk");
  const { database } = world.tables;
  assertEquals(database.prepare("PRAGMA journal_mode").get()!.journal_mode, "wal");
  await world.close();
});

Deno.test("an event of a later release is refused when it is read, and named", async () => {
  const world = await sqliteWorld();
  await appended(world.broker, batch("a", 0));
  world.tables.database.exec("UPDATE events SET type = 'InstanceCloned'");
  const read = () => world.broker.log.read(START, 9);
  const error = await assertRejects(read, OperationalError, "InstanceCloned");
  assertEquals(error.code, "log_from_newer_version");
  world.tables.database.exec("UPDATE events SET type = 'Baseline', data = '{'");
  assertEquals((await assertRejects(read, OperationalError)).code, "log_damaged");
  await world.close();
});
