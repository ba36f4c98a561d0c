/** What travels between a node and a foreign worker is what the published JSON Schemas say. */
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { RedisServer } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";
import { ForeignWorld } from "./foreign_worker.ts";

const FOLDER = new URL("../../docs/schemas/", import.meta.url);

/** A check made of the published file alone. */
function published(name: string, part?: string): z.ZodType {
  const schema = JSON.parse(Deno.readTextFileSync(new URL(`${name}.json`, FOLDER)));
  return z.fromJSONSchema(part === undefined ? schema : schema[part]);
}

/** The faults of a value; none for one that fits. */
function faults(schema: z.ZodType, value: unknown): unknown[] {
  const checked = schema.safeParse(value);
  return checked.success ? [] : checked.error.issues;
}

/** What a client of Redis is told: entries of a stream as records. */
function entriesIn(text: string): Record<string, string>[] {
  const entries: Record<string, string>[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length;) {
    at++;
    const entry: Record<string, string> = {};
    for (; at < lines.length && !/^\d+-\d+$/.test(lines[at]!); at += 2) {
      entry[lines[at]!] = lines[at + 1]!;
      // The position of the previous event looks like the beginning of an entry.
      if (lines[at] === "p") {
        at += 2;
        break;
      }
    }
    entries.push(entry);
  }
  return entries;
}

Deno.test("the published schemas refuse what is not theirs", () => {
  for (
    const name of ["command", "completion", "report", "question", "chunk", "log_entry", "reply"]
  ) {
    assert(faults(published(name), { some: "thing" }).length > 0, name);
  }
  const response = { type: "StartInstanceResponse", instanceId: "i", success: "yes" };
  const completion = { commandId: "c", attempt: 1, workerId: "w", response };
  assert(faults(published("completion"), completion).length > 0, "success must be a boolean");
});

testWith(
  ["redis-server", "redis-cli", "node", "flock"],
  "commands, completions, reports, events and replies are as published",
  async () => {
    const server = await RedisServer.start();
    const world = await ForeignWorld.open(server);
    try {
      const tag = `{draas:${world.namespace}}`;
      const id = await world.create({ command: ["sh", "-c", "sleep 2; exit 3"] });
      const asked = await world.ask(id, { type: "start" }, { wait: false });
      assertEquals(asked.kind, "accepted");
      const commands = await server.cli("HVALS", `${tag}:payloads`);
      assertEquals(faults(published("command"), JSON.parse(commands)), []);
      const heard: string[] = [];
      const listener = await world.hear(`${tag}:*.response.*`, heard);
      world.work("alien");
      await world.heard(id, "RuntimeObserved");
      assertEquals((await world.ask(id, { type: "start" })).kind, "done");
      assertEquals((await world.ask(id, { type: "stop" })).kind, "done");
      await world.system.logs(id, 5);
      listener.close();

      const replies = heard.map((text) => JSON.parse(text));
      assert(replies.length >= 2, heard.join());
      for (const message of replies) {
        const name = "lines" in message ? "chunk" : "reply";
        assertEquals(faults(published(name), message), [], name);
      }
      const entries = entriesIn(await server.cli("XRANGE", `${tag}:log`, "-", "+"));
      assertEquals(entries.length, world.events.length);
      for (const entry of entries) {
        assertEquals(faults(published("log_entry"), entry), [], entry.t);
        const data = JSON.parse(entry.d!);
        assertEquals(faults(published("events", entry.t), data), [], entry.t);
        if (entry.t === "CommandSucceeded") assertEquals(faults(published("completion"), data), []);
        if (entry.t === "RuntimeObserved") assertEquals(faults(published("report"), data), []);
      }
      const types = new Set(entries.map(({ t }) => t));
      assert(types.has("CommandSucceeded") && types.has("RuntimeObserved"), [...types].join());
    } finally {
      await world.close();
      await server.close();
    }
  },
);
