/** The embedded log as what copies are made from and put into: beside a process that writes, whole, or not at all. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { comparePositions } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { openSqliteCopySource } from "../../adapters/sqlite/sqlite_copy_source.ts";
import { openSqliteCopyTarget } from "../../adapters/sqlite/sqlite_copy_target.ts";
import {
  appended,
  batch,
  command,
  created,
  joined,
  request,
  running,
  success,
} from "../contracts/broker_samples.ts";
import { bodyOf, copyOf, imported, linesOf, readingOf, withLines } from "../support/copied_log.ts";
import { sqliteWorld } from "./embedded_world.ts";

/** At least so many, and until the write-ahead log has begun anew a few times. */
const COPIES_MIN = 8;
const WRITER = new URL("log_writer_process.ts", import.meta.url).pathname;

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-copy-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The copy of a log with a command in every state, and what wrote it. */
async function aLog(): Promise<string> {
  const world = await sqliteWorld();
  try {
    const { broker } = world;
    for (const id of ["a", "b", "c"]) {
      await appended(broker, batch(id, 0, { events: [created(id)] }));
      await appended(broker, request(command(id, `start-${id}`), 1));
    }
    const channel = await joined(broker, "w1");
    await channel.accept("start-a");
    const done = success("StartInstanceCommand", "a", running("a", "run-a"));
    await channel.complete("start-a", 1, done);
    await channel.accept("start-b");
    await broker.close();
    return (await copyOf(openSqliteCopySource(world.folder))).text;
  } finally {
    await world.close().catch(() => {});
    await Deno.remove(world.folder, { recursive: true }).catch(() => {});
  }
}

/** What tells one write-ahead log from the next. */
const walHeaderIn = (folder: string) =>
  Deno.readFileSync(`${folder}/draas.sqlite-wal`).subarray(0, 32).join();

const filesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("each copy beside a process that writes holds all that was acknowledged before it, and nothing torn", () =>
  withFolder(async (folder) => {
    const writer = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--allow-all", WRITER, folder],
      stdout: "piped",
    }).spawn();
    let acknowledged = 0;
    const reading = (async () => {
      for await (const text of writer.stdout.pipeThrough(new TextDecoderStream())) {
        acknowledged = Number(text.trimEnd().split("\n").at(-1));
      }
    })();
    const beginnings = new Set<string>();
    try {
      for (let copies = 0, last = "0-0"; copies < COPIES_MIN || beginnings.size < 4; copies++) {
        // Also what came meanwhile is read, so that each copy is held against the last word.
        do await new Promise((resolve) => setTimeout(resolve, 20)); while (acknowledged === 0);
        const before = acknowledged;
        beginnings.add(walHeaderIn(folder));
        const { written } = await copyOf(openSqliteCopySource(folder));
        const { header, differences } = written;
        assertEquals(differences, []);
        assert(header.events >= before, `${header.events} of ${before} acknowledged ones`);
        assert(comparePositions(header.head, last) > 0, `${header.head} after ${last}`);
        last = header.head;
        assert(!filesIn(folder).includes("copy"), "what was copied from is gone");
      }
    } finally {
      writer.kill("SIGKILL");
      await writer.status;
      await reading;
    }
  }));

Deno.test("a log put back into an empty folder is the same log, and goes on", () =>
  withFolder(async (folder) => {
    const text = await aLog();
    await imported(text, async () => openSqliteCopyTarget(folder));
    const back = await copyOf(openSqliteCopySource(folder));
    assertEquals(back.text, text);
    assertEquals(filesIn(folder), ["copy.lock", "draas.sqlite"]);
  }));

Deno.test("a folder whose log has events takes no copy, and stays as it is", () =>
  withFolder(async (folder) => {
    const text = await aLog();
    const open = async () => openSqliteCopyTarget(folder);
    await imported(text, open);
    const error = await assertRejects(() => imported(text, open), OperationalError);
    assertEquals([error.code, error.retryable], ["target_not_empty", false]);
    assert(error.message.endsWith("Nothing was changed."), error.message);
    assertEquals(bodyOf((await copyOf(openSqliteCopySource(folder))).text), bodyOf(text));
  }));

Deno.test("a copy that turns out to be damaged leaves the folder's log as empty as it was", () =>
  withFolder(async (folder) => {
    const text = await aLog();
    const open = async () => openSqliteCopyTarget(folder);
    const spoiled = text.replace('"name":"c"', '"name":"d"');
    const error = await assertRejects(() => imported(spoiled, open), OperationalError);
    assertEquals(error.code, "copy_damaged");
    const source = openSqliteCopySource(folder);
    assertEquals([source.frame.events, source.frame.instances], [0, 0]);
    await source.close();
    await imported(text, open);
  }));

Deno.test("a log that is used takes no copy", () =>
  withFolder(async (folder) => {
    const text = await aLog();
    const target = openSqliteCopyTarget(folder);
    try {
      const open = async () => openSqliteCopyTarget(folder);
      const error = await assertRejects(() => imported(text, open), OperationalError);
      assertEquals(error.code, "data_folder_in_use");
    } finally {
      await target.close();
    }
  }));

Deno.test("an embedded log takes no positions but its own: it counts, and a Redis tells the time", () =>
  withFolder(async (folder) => {
    const text = await aLog();
    const asTime = (line: string) =>
      line.replace(/"(position|previous|last|origin|order)":"(\d+)-0/g, '"$1":"175000000000$2-0');
    const events = linesOf(text).filter((line) => line.startsWith('{"position"'));
    const target = openSqliteCopyTarget(folder);
    await target.begin("0-0");
    const [first] = events.map((line) => JSON.parse(asTime(line)));
    const error = await assertRejects(
      () => target.addEvents([{ ...first, data: "{}", meta: "{}", ignorable: false }]),
      OperationalError,
    );
    await target.close();
    assertEquals(error.code, "copy_unfit");
    assert(error.message.includes("1750000000001-0 is a time there"), error.message);
  }));

Deno.test("what a killed copying has left behind is removed by the next one, and one is made at a time", () =>
  withFolder(async (folder) => {
    await imported(await aLog(), async () => openSqliteCopyTarget(folder));
    Deno.mkdirSync(`${folder}/copy`);
    Deno.writeTextFileSync(`${folder}/copy/draas.sqlite-wal`, "left behind");
    const source = openSqliteCopySource(folder);
    const error = assertThrows(() => openSqliteCopySource(folder), OperationalError);
    assertEquals([error.code, error.retryable], ["copy_in_use", true]);
    await source.close();
    assertEquals(filesIn(folder), ["copy.lock", "draas.sqlite"]);
  }));

Deno.test("a folder without a log, and one with another file in its place, are named", () =>
  withFolder(async (folder) => {
    const missing = assertThrows(() => openSqliteCopySource(folder), OperationalError);
    assertEquals(missing.code, "log_missing");
    Deno.writeTextFileSync(`${folder}/draas.sqlite`, "no database ".repeat(1_000));
    const damaged = assertThrows(() => openSqliteCopySource(folder), OperationalError);
    assertEquals(damaged.code, "data_damaged");
    assert(damaged.message.includes(`${folder}/draas.sqlite`), damaged.message);
  }));

Deno.test("lines that were added by hand to a copy are not taken", async () => {
  const text = await aLog();
  const more = withLines(text, (lines) => lines.toSpliced(-1, 0, lines.at(-2)!));
  assertThrows(() => readingOf(more), OperationalError);
});
