/** What an instance printed is read in pages that end somewhere, and a wait for more ends in any case. */
import { assert, assertEquals } from "@std/assert";
import { PAGE_LINES_MAX } from "../../events/server_output.ts";
import {
  type PrintedLine,
  type PrintedReading,
  type PrintedRun,
  readPrinted,
} from "../../workers/printed_output.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { running } from "../support/recorded.ts";

const TIME_BEGIN = Date.parse("2026-01-01T00:00:00Z");

/** A live run that has printed these texts, one a millisecond. */
function runOf(texts: readonly string[], asked: PrintedReading[] = []): PrintedRun {
  return {
    runId: "run-1",
    startedAt: TIME_BEGIN,
    isLive: true,
    async *printed(reading): AsyncGenerator<PrintedLine> {
      asked.push(reading);
      for (const [index, text] of texts.entries()) {
        const time = new Date(TIME_BEGIN + index).toISOString();
        yield { stream: index % 2 === 0 ? "stdout" : "stderr", time, text };
      }
      if (!reading.follows || reading.signal.aborted) return;
      await new Promise((resolve) => reading.signal.addEventListener("abort", resolve));
    },
    mask: async () => (text) => text,
    ended: async () => running("a", TIME_BEGIN),
  };
}

const textsOf = (count: number, characters = 1) =>
  Array.from({ length: count }, (_, index) => String(index).padEnd(characters, "."));

/** All pages from the beginning, each as its number of lines. */
async function pagesOf(run: PrintedRun): Promise<{ sizes: number[]; texts: string[] }> {
  const sizes: number[] = [];
  const texts: string[] = [];
  for (let cursor: string | null = null;;) {
    const page = await readPrinted(
      async () => [run],
      new ManualClock(),
      cursor === null ? {} : { cursor },
    );
    sizes.push(page.lines.length);
    texts.push(...page.lines.flatMap(({ stream, text }) => stream === "marker" ? [] : [text]));
    cursor = page.cursor;
    if (!page.hasMore) return { sizes, texts };
  }
}

Deno.test("without a place or a tail output comes in pages, too, and all of it", async () => {
  const texts = textsOf(2_500);
  const pages = await pagesOf(runOf(texts));
  assertEquals(pages.texts, texts);
  assertEquals(pages.sizes, [PAGE_LINES_MAX, PAGE_LINES_MAX, 501], "with the marker of its begin");
});

Deno.test("long lines make short pages", async () => {
  const texts = textsOf(30, 64 * 1_024);
  const pages = await pagesOf(runOf(texts));
  assertEquals(pages.texts.map(parseFloat), texts.map(parseFloat));
  assertEquals(pages.sizes, [9, 8, 8, 6]);
});

Deno.test("the last lines are as many as were asked for, and fewer where they are long", async () => {
  const tailOf = async (texts: readonly string[], tail: number) => {
    const { lines, hasMore } = await readPrinted(async () => [runOf(texts)], new ManualClock(), {
      tail,
    });
    assert(!hasMore);
    return lines.map(({ text }) => text);
  };
  const short = textsOf(2_500);
  assertEquals(await tailOf(short, 2_000), short.slice(-2_000));
  assertEquals(await tailOf(short, 0), []);
  const long = textsOf(30, 64 * 1_024);
  const numbers = (texts: readonly string[]) => texts.map(parseFloat);
  assertEquals(numbers(await tailOf(long, 20)), numbers(long.slice(-8)));
});

Deno.test("a wait for more of one stream asks for that stream", async () => {
  const clock = new ManualClock();
  const asked: PrintedReading[] = [];
  const cursor = `run-1 ${new Date(TIME_BEGIN).toISOString()} 1`;
  const reading = { cursor, stream: "stdout", waitMs: 1_000 } as const;
  const waiting = readPrinted(async () => [runOf(["one"], asked)], clock, reading);
  await settled();
  await clock.advance(1_000);
  assertEquals((await waiting).lines, []);
  assertEquals(asked.map(({ stream, follows }) => [stream, follows]), [
    ["stdout", false],
    ["stdout", true],
    ["stdout", false],
  ]);
});

Deno.test("a wait whose time is over before it has begun ends all the same", async () => {
  for (const begun of [[runOf(["one"])], [{ ...runOf(["one"]), isLive: false }]]) {
    const clock = new ManualClock();
    const looked = Promise.withResolvers<void>();
    let looks = 0;
    const runs = async () => {
      // Its second look is the wait's own.
      if (++looks === 2) await looked.promise;
      return begun;
    };
    const cursor = `run-1 ${new Date(TIME_BEGIN).toISOString()} 1`;
    const waiting = readPrinted(runs, clock, { cursor, waitMs: 1_000 });
    await settled();
    await clock.advance(1_000);
    looked.resolve();
    assertEquals((await waiting).lines, []);
  }
});
