/** `draas token new`: what it tells is a token that a control plane lets in, and an entry that tells nothing of it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { TokenBook } from "../../http/access/token_book.ts";
import { parseTokenFile } from "../../http/access/token_file.ts";
import { beginDraas, itemsOf, scriptedApp } from "./support/cli_world.ts";

/** Nobody is asked. */
const noApp = scriptedApp([]);
const draas = (...args: string[]) => beginDraas(noApp, args).ended;

function bookOf(text: string): TokenBook {
  const parsed = parseTokenFile(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return new TokenBook(hostClock, parsed.value);
}

Deno.test("entries are put together to a file, and each token is told beside its entry", async () => {
  const first = await draas("token", "new", "--name", "ci", "--role", "operator");
  const note = "- that: of 'the shop'";
  const rest = ["--role", "viewer", "--expires", "2031-01-31", "--note", note];
  const second = await draas("token", "new", "--name", "null", ...rest);
  assertEquals([first.code, second.code], [0, 0]);
  const book = bookOf(first.stdout + second.stdout);
  const tokens = [first, second].map(({ stderr }) => /^ {2}(draas_\S{43})$/m.exec(stderr)![1]!);
  const found = tokens.map((token) => {
    const finding = book.find(token);
    return finding.kind === "holder" && [finding.holder.name, finding.holder.role];
  });
  assertEquals(found, [["ci", "operator"], ["null", "viewer"]]);
  assertStringIncludes(first.stderr, "The token of ci (operator), told this once:");
  for (const token of tokens) assert(!first.stdout.includes(token), "a file has its digest alone");
  assert(tokens[0] !== tokens[1]);
});

Deno.test("for programs both are one item", async () => {
  const end = await draas("token", "new", "--name", "ann", "--role", "admin", "-o", "json");
  assertEquals([end.code, end.stderr], [0, ""]);
  const [{ token, entry }] = itemsOf(end);
  assertEquals(bookOf(JSON.stringify([entry])).find(token).kind, "holder");
});

Deno.test("days are counted from now", async () => {
  const args = ["token", "new", "--name", "ci", "--role", "viewer", "--expires", "90d"];
  const now = Date.parse("2030-01-01T12:00:00Z");
  const { stdout } = await beginDraas(noApp, args, { clock: { ...hostClock, now: () => now } })
    .ended;
  assertStringIncludes(stdout, 'expires: "2030-04-01T12:00:00.000Z"');
});

Deno.test("what a tokens file would not take is refused, with the right form", async () => {
  const wrong: [string, string, string, RegExp][] = [
    ["7up", "viewer", "90d", /It must be 1 to 64 letters/],
    ["leader", "viewer", "90d", /It is a name that DRaaS itself has/],
    ["ci", "root", "90d", /Allowed choices are viewer, operator, admin/],
    ["ci", "viewer", "2031-02-31", /It must be a date or a time, for example 2031-01-31/],
  ];
  for (const [name, role, expires, told] of wrong) {
    const flags = ["--name", name, "--role", role, "--expires", expires];
    const { code, stdout, stderr } = await draas("token", "new", ...flags);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, told);
  }
  assertEquals((await draas("token", "new", "--name", "ci")).code, 2, "a role is needed");
  assertEquals((await draas("token", "old", "--name", "ci", "--role", "viewer")).code, 2);
  assertEquals(noApp.asked, []);
});
