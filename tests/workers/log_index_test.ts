/** The index of an output as plain data: what is read of it, what is freed by it, and how it is made smaller. */
import { assert, assertEquals } from "@std/assert";
import {
  beginOf,
  bytesBetween,
  compacted,
  endOf,
  freeUpTo,
  type IndexRecord,
  openRunOf,
  parseIndex,
  partsOf,
} from "../../workers/process/logs/log_index.ts";

const MINUTE_MS = 60_000;

/** A stamp each second, a kilobyte of standard output apart. */
function stamps(count: number): IndexRecord[] {
  return Array.from({ length: count }, (_, at) => [at + 1, "t", at * 1_000, (at + 1) * 1_000, 0]);
}

Deno.test("an index is read without what is torn, no record, or out of its turn", () => {
  const text = [
    '[1,"m",10,0,0,"started","run r-1 starts","r-1"]',
    '[2,"t",20,5,0]',
    '[2,"t",21,6,0]',
    '[3,"t",20,5',
    "nonsense",
    '[4,"x",20,5,0]',
    '[5,"t",30,-1,0]',
    "",
    '[6,"u",40,9,2]',
  ].join("\n");
  assertEquals(parseIndex(text).map(([number]) => number), [1, 2, 6]);
  assertEquals(endOf(parseIndex(text)), { stdout: 9, stderr: 2 });
});

Deno.test("whoever goes on after a record gets what came since, and what counts for ever", () => {
  const lasting: IndexRecord[] = [
    [1, "b", 0, 0, 0, "stdout", "server.log"],
    [2, "f", 0, 0, 0, 1, 0, "size"],
  ];
  const records = [
    ...lasting,
    ...stamps(5_000).map((record): IndexRecord => [record[0] + 2, "t", record[2], record[3], 0]),
  ];
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const rest = parseIndex(text, 4_990);
  assertEquals(rest.slice(0, 2), lasting);
  assert(rest.length < 50, `${rest.length} records were read`);
  assertEquals(rest.filter(([number]) => number >= 4_990), records.slice(4_989));
  assertEquals(parseIndex(text, 9_999).at(-1), records.at(-1));
  assertEquals(parseIndex(text), records);
});

Deno.test("the open run is the one that the last marker is about, until that tells its end", () => {
  const started: IndexRecord = [1, "m", 0, 0, 0, "started", "", "r-1"];
  const returned: IndexRecord = [2, "m", 0, 0, 0, "returned", "", "r-2"];
  const ended: IndexRecord = [3, "m", 0, 0, 0, "ended", "", "r-2"];
  assertEquals([[], [started], [started, returned], [started, returned, ended]].map(openRunOf), [
    null,
    "r-1",
    "r-2",
    null,
  ]);
});

Deno.test("a stream's files follow each other by their offsets", () => {
  const records: IndexRecord[] = [
    [1, "b", 0, 100, 7, "stdout", "server.log"],
    [2, "b", 0, 300, 9, "stdout", "stdout.100.log"],
    [3, "b", 0, 400, 9, "stdout", ""],
  ];
  assertEquals(partsOf(records, "stdout", false), [
    { file: "server.log", base: 0 },
    { file: "stdout.100.log", base: 100 },
    { file: "stdout.log", base: 400 },
  ]);
  assertEquals(partsOf(records, "stderr", false), [{ file: "stderr.log", base: 0 }]);
  assertEquals(partsOf([], "stdout", true), [{ file: "server.log", base: 0 }]);
});

Deno.test("by size, the oldest goes first, and a good part at once", () => {
  const records = stamps(100);
  const end = endOf(records);
  const limits = { keepBytes: 80_000, keepAfter: -1 };
  assertEquals(freeUpTo(records, end, limits), null);
  const more = freeUpTo(stamps(101), { stdout: 101_000, stderr: 0 }, limits);
  assertEquals(more, { upTo: { stdout: 21_000, stderr: 0 }, cause: "size" });
});

Deno.test("more than is kept, seen in one look, leaves the end of each stream", () => {
  const records: IndexRecord[] = [[1, "t", 0, 0, 0], [2, "t", 250, 1_000_000, 1_000_000]];
  const found = freeUpTo(records, endOf(records), { keepBytes: 100_000, keepAfter: -1 });
  assertEquals(found?.upTo, { stdout: 950_000, stderr: 950_000 });
  const one: IndexRecord[] = [[1, "t", 0, 0, 0], [2, "t", 250, 1_000_000, 10_000]];
  const ofOne = freeUpTo(one, endOf(one), { keepBytes: 100_000, keepAfter: -1 });
  assertEquals(ofOne?.upTo, { stdout: 910_000, stderr: 0 });
});

Deno.test("by age, what was written before goes, and is not freed twice", () => {
  const records = stamps(10);
  const limits = { keepBytes: 1_000_000, keepAfter: 5_000 };
  const found = freeUpTo(records, endOf(records), limits);
  assertEquals(found, { upTo: { stdout: 5_000, stderr: 0 }, cause: "age" });
  const freed: IndexRecord = [11, "f", 10_000, 5_000, 0, 5_000, 10_000, "age"];
  assertEquals(freeUpTo([...records, freed], endOf(records), limits), null);
});

Deno.test("a smaller index knows the same begin, end, files and run, and each time to about a minute", () => {
  const records: IndexRecord[] = [
    [1, "b", 0, 0, 0, "stdout", "server.log"],
    [2, "m", 0, 0, 0, "started", "", "r-1"],
    ...stamps(10_000).map((record): IndexRecord => {
      const [number, , at, out] = record;
      return [number + 2, "t", at, out, 0];
    }),
    [20_000, "f", 10_000_000, 2_000_000, 0, 2_000_000, 0, "size"],
  ];
  const small = compacted(records, 500);
  assert(small.length <= 500, `${small.length} records are left`);
  assertEquals(beginOf(small), beginOf(records));
  assertEquals(endOf(small), endOf(records));
  assertEquals(partsOf(small, "stdout", false), partsOf(records, "stdout", false));
  const begin = beginOf(small);
  assert(small.every((record) => record[1] !== "t" || bytesBetween(begin, endOf([record])) > 0));
  const times = small.filter((record) => record[1] === "t").map((record) => record[2]);
  const widest = Math.max(...times.slice(1).map((at, index) => at - times[index]!));
  assert(widest <= MINUTE_MS, `${widest} ms lie between two stamps`);
});

Deno.test("of too many markers the newest are kept", () => {
  const records = Array.from(
    { length: 100 },
    (_, at): IndexRecord => [at + 1, "m", at, at + 1, 0, "started", "", `r-${at}`],
  );
  const small = compacted(records, 20);
  assertEquals(small.map(([number]) => number), [91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
});
