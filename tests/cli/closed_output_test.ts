/** Where nobody reads what `draas` writes: what only reads is over, and what changes something goes on to its end. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type ByteStream, sinkOf } from "../../cli/text_sink.ts";
import { itemsOf, withCli } from "./support/cli_world.ts";

const SIZE = { columns: () => 80, rows: () => 24 };

/** A stream that takes three bytes at a time, and answers with `troubles`, by their names, in between. */
function narrowStream(troubles: readonly string[]) {
  const waiting = [...troubles];
  const taken: number[] = [];
  let isFree = true;
  const stream: ByteStream = {
    isTerminal: () => false,
    writeSync(bytes) {
      isFree = !isFree;
      const name = isFree ? waiting.shift() : undefined;
      if (name !== undefined) throw Object.assign(new Error(), { name });
      taken.push(...bytes.subarray(0, 3));
      return Math.min(3, bytes.length);
    },
  };
  return { stream, text: () => new TextDecoder().decode(new Uint8Array(taken)) };
}

Deno.test("a pipe that is full for a moment gets the rest of a text after it", () => {
  const { stream, text } = narrowStream(["WouldBlock", "WouldBlock"]);
  let pauses = 0;
  sinkOf(stream, SIZE, () => void pauses++).write("one text, and no gap");
  assertEquals([text(), pauses], ["one text, and no gap", 2]);
});

Deno.test("what is written into a closed pipe is dropped, and no error", () => {
  const { stream, text } = narrowStream(["BrokenPipe"]);
  const sink = sinkOf(stream, SIZE, () => {});
  assertEquals(sink.isClosed, false);
  sink.write("a text");
  sink.write("another");
  assertEquals([text(), sink.isClosed], ["a t", true]);
});

Deno.test("several are stopped to the last one, and failures have their code, though nobody reads on", () =>
  withCli(async ({ draas, create, startWorker, platform }) => {
    await startWorker();
    for (const name of ["a", "b", "c"]) await create({ name });
    await draas("start --all --yes");
    const stopped = await draas("stop --all --yes --parallel 1", { isLeft: true });
    assertEquals([stopped.code, stopped.stderr], [0, ""]);
    const statuses = itemsOf(await draas("list --json")).map(({ status }) => status);
    assertEquals(statuses, ["Stopped", "Stopped", "Stopped"]);
    platform.failure = { code: "port_in_use", message: "", retryable: false };
    assertEquals((await draas("start a b", { isLeft: true })).code, 1);
  }));

Deno.test("a list and what is followed are over with 0 once nobody reads them", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web" });
    const listed = await draas("list", { isLeft: true });
    assertEquals([listed.code, listed.stderr], [0, ""]);
    const followed = await draas("events -f --after 0-0", { isLeft: true });
    assertEquals([followed.code, followed.stderr], [0, ""]);
    assertStringIncludes(followed.stdout, "InstanceCreated");
  }));
