/** An output is read as the index and the files say, wherever a reader begins. */
import { assertEquals } from "@std/assert";
import type { LogReading, OutputLine } from "../../events/server_output.ts";
import type { IndexRecord } from "../../workers/process/logs/log_index.ts";
import { endOfRun, readOutput } from "../../workers/process/logs/log_reader.ts";
import { openOutput } from "../../workers/process/logs/log_store.ts";
import { firstGap, markers, printed } from "./log_world.ts";

const NOW = 1_000_000;

interface Written {
  stdout?: string;
  stderr?: string;
  index?: IndexRecord[];
}

/** Gives `test` what reads an output of these files. */
async function withOutput(
  { stdout = "", stderr = "", index = [] }: Written,
  test: (read: (reading?: LogReading) => ReturnType<typeof readOutput>, path: string) => void,
): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "draas-output-" });
  try {
    await Deno.mkdir(`${path}/logs`);
    await Deno.writeTextFile(`${path}/logs/stdout.log`, stdout);
    await Deno.writeTextFile(`${path}/logs/stderr.log`, stderr);
    const records = index.map((record) => `${JSON.stringify(record)}\n`).join("");
    await Deno.writeTextFile(`${path}/logs/index`, records);
    test((reading = {}) => readOutput(openOutput(path, true, NOW), reading, NOW), path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

function numbered(count: number, from = 1): string {
  return Array.from({ length: count }, (_, at) => `${at + from}\n`).join("");
}

/** All pages from the beginning, and how many there were. */
function walked(read: (reading: LogReading) => ReturnType<typeof readOutput>): OutputLine[][] {
  const pages: OutputLine[][] = [];
  for (let reading: LogReading = {};;) {
    const page = read(reading);
    pages.push(page.lines);
    if (!page.hasMore) return pages;
    reading = { cursor: page.cursor! };
  }
}

Deno.test("a line belongs to the first record at or after its end; streams mix by records", () =>
  withOutput({
    stdout: "a1\na2\na3\n",
    stderr: "b1\nb2\n",
    index: [
      [1, "m", 100, 0, 0, "started", "run r-1 starts", "r-1"],
      [2, "t", 200, 4, 3],
      [3, "u", 300, 6, 3],
      [4, "t", 400, 9, 6],
    ],
  }, (read) => {
    assertEquals(read().lines, [
      { stream: "marker", at: 100, kind: "started", text: "run r-1 starts" },
      { stream: "stdout", at: 200, text: "a1" },
      { stream: "stderr", at: 200, text: "b1" },
      { stream: "stdout", at: null, between: [200, 300], text: "a2" },
      { stream: "stdout", at: 400, text: "a3" },
      { stream: "stderr", at: 400, text: "b2" },
    ]);
    assertEquals(printed(read({ stream: "stderr" }).lines), ["b1", "b2"]);
    assertEquals(printed(read({ tail: 3 }).lines), ["a2", "a3", "b2"]);
    assertEquals(read({ tail: 0 }).lines, []);
    assertEquals(printed(read({ since: 250 }).lines), ["a2", "a3", "b2"]);
    assertEquals(printed(read({ since: 250, tail: 1 }).lines), ["b2"]);
    assertEquals(read({ since: 401 }).lines, []);
  }));

Deno.test("pages follow each other without a gap, whatever they were cut by", () =>
  withOutput({
    stdout: numbered(2_500),
    stderr: `${"x".repeat(60_000)}\n`.repeat(20),
    index: [[1, "t", 100, 5_000, 600_010], [2, "t", 200, 11_393, 1_200_020]],
  }, (read) => {
    const pages = walked(read);
    const lines = pages.flat();
    const numbers = lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text);
    assertEquals([numbers.length, numbers[0], firstGap(numbers)], [2_500, "1", null]);
    assertEquals(lines.length, 2_520);
    assertEquals(pages.length > 3, true);
  }));

Deno.test("a line that was cut when its beginning was freed is not told", () =>
  withOutput({
    stdout: "one\ntwo\nthree\n",
    index: [[1, "t", 100, 6, 0], [2, "t", 200, 14, 0], [3, "f", 200, 6, 0, 6, 200, "size"]],
  }, (read) => {
    const { lines } = read();
    assertEquals([markers(lines), printed(lines)], [["dropped"], ["three"]]);
    assertEquals(
      lines[0]?.text,
      "6 bytes of output were dropped: the server has written more than is kept",
    );
  }));

Deno.test("a reader that is behind what was freed is told so, one that is not, is not", () =>
  withOutput({
    stdout: numbered(9),
    index: [[1, "t", 100, 6, 0], [2, "t", 200, 18, 0], [3, "f", 200, 6, 0, 6, 200, "size"]],
  }, (read) => {
    const behind = read({ cursor: "1.2.0" }).lines;
    assertEquals([markers(behind), printed(behind)[0]], [["dropped"], "4"]);
    const abreast = read({ cursor: "1.8.0" }).lines;
    assertEquals([markers(abreast), printed(abreast)[0]], [[], "5"]);
  }));

Deno.test("a freed part is no place to begin at, and of one stream it is no news to who reads the other", () =>
  withOutput({
    stdout: numbered(9),
    stderr: "e1\ne2\n",
    index: [
      [1, "t", 100, 6, 3],
      [2, "t", 200, 12, 3],
      [3, "f", 210, 6, 0, 6, 210, "age"],
      [4, "t", 300, 18, 6],
    ],
  }, (read) => {
    assertEquals(printed(read({ since: 250 }).lines), ["7", "8", "9", "e2"]);
    const { lines } = read({ stream: "stderr", tail: 5 });
    assertEquals([markers(lines), printed(lines)], [[], ["e1", "e2"]]);
  }));

Deno.test("what is freed up to a file's beginning begins with its first line", () =>
  withOutput({
    stdout: numbered(3),
    index: [
      [1, "t", 100, 50, 0],
      [2, "b", 100, 50, 0, "stdout", "stdout.0.log"],
      [3, "t", 200, 56, 0],
      [4, "f", 200, 50, 0, 50, 200, "size"],
    ],
  }, (read) => assertEquals(printed(read().lines), ["1", "2", "3"])));

Deno.test("a reader that is behind what somebody emptied goes on after it", () =>
  withOutput({
    stdout: numbered(3),
    index: [[1, "t", 100, 50, 0], [2, "b", 150, 50, 0, "stdout", ""], [3, "t", 200, 56, 0]],
  }, (read) => {
    for (const cursor of ["1.50.0", "1.20.0", "0.0.0"]) {
      assertEquals(printed(read({ cursor }).lines), ["1", "2", "3"], cursor);
    }
    assertEquals(printed(read().lines), ["1", "2", "3"]);
    assertEquals(printed(read({ tail: 9 }).lines), ["1", "2", "3"]);
  }));

Deno.test("a cursor of other files, and one that is none, begin at the beginning", () =>
  withOutput({ stdout: numbered(3), index: [[1, "t", 100, 6, 0]] }, (read) => {
    for (const cursor of ["9.6.0", "1.7.0", "1.2.9", "nonsense", ""]) {
      assertEquals(printed(read({ cursor }).lines), ["1", "2", "3"], cursor);
    }
  }));

Deno.test("a line without its end is told to who does not wait for it, and once to who does", () =>
  withOutput({ stdout: "whole\nhal", index: [[1, "t", 100, 9, 0]] }, (read, path) => {
    assertEquals(printed(read({ tail: 5 }).lines), ["whole", "hal"]);
    const first = read({ tail: 5, waitMs: 0 });
    assertEquals(printed(first.lines), ["whole"]);
    Deno.writeTextFileSync(`${path}/logs/stdout.log`, "f\nmore\n", { append: true });
    assertEquals(printed(read({ cursor: first.cursor!, waitMs: 0 }).lines), ["half", "more"]);
  }));

Deno.test("a very long line is told in pieces, of which none is missing", () =>
  withOutput({ stdout: `${"y".repeat(150_000)}\nnext\n` }, (read) => {
    const texts = printed(read().lines);
    assertEquals(texts.at(-1), "next");
    assertEquals(texts.slice(0, -1).join("").length, 150_000);
  }));

Deno.test("what a worker before us did not note down is read all the same", () =>
  withOutput({ stdout: "noted\nnot noted\n", index: [[1, "t", 100, 6, 0]] }, (read) => {
    const { lines, cursor } = read();
    assertEquals(printed(lines), ["noted", "not noted"]);
    assertEquals(read({ cursor: cursor! }).lines, []);
  }));

Deno.test("the end of a run is its own, of both streams, from the start of a line", () =>
  withOutput({
    stdout: "before\nout one\nout two\n",
    stderr: "err before\nerr one\n",
    index: [[1, "t", 100, 7, 11], [2, "t", 200, 15, 19], [3, "t", 300, 23, 19]],
  }, (_, path) => {
    const run = { stdout: 7, stderr: 11 };
    const output = () => openOutput(path, false, NOW);
    assertEquals(endOfRun(output(), run, 8_192), "out one\nerr one\nout two");
    assertEquals(endOfRun(output(), run, 16), "err one\nout two");
    assertEquals(endOfRun(output(), run, 15), "err one\nout two");
  }));
