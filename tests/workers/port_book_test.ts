/** Which instance gets which port: pure, over a host that says what is taken. */
import { assert, assertEquals } from "@std/assert";
import { describeHolder } from "../../workers/process/port_holder.ts";
import { PortBook } from "../../workers/process/port_book.ts";

const HOST = "127.0.0.1";

/** A book over three ports, of which `taken` are somebody else's. */
function bookOf(taken: number[] = []): PortBook {
  return new PortBook("site", { from: 100, to: 102 }, (_host, port) => !taken.includes(port));
}

function pick(book: PortBook, instanceId: string, last?: number): number | string {
  const picked = book.pick(instanceId, HOST, last);
  return "code" in picked ? picked.code : picked.port;
}

Deno.test("each instance gets a port of its own, and the same one again", () => {
  const book = bookOf();
  const first = ["a", "b", "c"].map((id) => pick(book, id));
  assertEquals(first.toSorted(), [100, 101, 102]);
  assertEquals(["c", "a", "b"].map((id) => pick(book, id)), [first[2], first[0], first[1]]);
});

Deno.test("a port that a stranger has is passed over, also where it was the instance's own", () => {
  const taken: number[] = [100, 102];
  const book = bookOf(taken);
  assertEquals(pick(book, "a"), 101);
  taken.splice(0, 2, 101);
  assert([100, 102].includes(Number(pick(book, "a"))));
});

Deno.test("a port that an ended instance had is given away only when there is no other", () => {
  const book = bookOf();
  const kept = [101, 100].map((port, index) => book.note(`old-${index}`, HOST, port));
  assertEquals(kept.length, 2);
  assertEquals(pick(book, "a"), 102);
  assert([100, 101].includes(Number(pick(book, "b"))));
});

Deno.test("where all are in use the failure says which, and that a retry may help", () => {
  assertEquals(bookOf([100, 101, 102]).pick("a", HOST), {
    code: "ports_exhausted",
    message:
      "All ports from 100 to 102 of this worker's host are in use. Stop something, or give " +
      "it more: `ports` in its worker.yaml.",
    retryable: true,
  });
});

Deno.test("a port that another one has taken over is not given back to who had it before", () => {
  const book = bookOf([102]);
  book.note("a", HOST, 100);
  book.note("b", HOST, 100);
  assertEquals(pick(book, "a"), 101);
  assertEquals(pick(bookOf(), "c", 102), 102, "and one that only the records name is");
});

Deno.test("an ended run takes its port from nobody, and nothing newer from its own instance", () => {
  const book = bookOf();
  book.note("live", HOST, 100);
  book.noteEnded("ended", HOST, 100);
  assertEquals(book.otherClaimant("another", HOST, 100), "live");
  book.noteEnded("live", HOST, 101);
  assertEquals(book.otherClaimant("another", HOST, 100), "live");
  book.noteEnded("ended", HOST, 102);
  assertEquals(book.otherClaimant("another", HOST, 102), "ended", "a port that nobody has");
});

Deno.test("a port that was noted outside of the range is not picked", () => {
  const book = bookOf();
  book.note("a", HOST, 99);
  assert(Number(pick(book, "a")) >= 100);
});

Deno.test("what is removed gives its port back", () => {
  const book = bookOf([100, 101]);
  assertEquals(pick(book, "a"), 102);
  assertEquals(book.otherClaimant("b", HOST, 102), "a");
  book.release("a");
  assertEquals(book.otherClaimant("b", HOST, 102), null);
  assertEquals(pick(book, "b"), 102);
});

Deno.test("two instances can have one port on two addresses, but not where one has all of them", () => {
  const book = bookOf();
  book.note("a", "127.0.0.1", 100);
  const claimants = ["127.0.0.1", "127.0.0.2", "0.0.0.0"].map((host) =>
    book.otherClaimant("b", host, 100)
  );
  assertEquals(claimants, ["a", null, "a"]);
  assertEquals(book.otherClaimant("a", "127.0.0.1", 100), null);
});

Deno.test("who has a port is told as far as it is known", () => {
  assertEquals(
    ["402 - redis server", "31337 i-2 deno", "- - 1000", "?"].map(describeHolder),
    [
      "process 402 (redis server)",
      "instance i-2 (process 31337)",
      "a process of user id 1000",
      null,
    ],
  );
});
