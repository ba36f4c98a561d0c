/** A tokens file that changes while the program runs: what counts, from when on, and what ends with a token. */
import { assert, assertEquals } from "@std/assert";
import { tokenDigest } from "../../events/access_tokens.ts";
import { TokenBook } from "../../http/access/token_book.ts";
import {
  followTokenFile,
  LOOK_MS,
  parseTokenFile,
  type TokenFileChange,
} from "../../http/access/token_file.ts";
import { createHttpApp } from "../../http/app.ts";
import { ManualClock } from "../adapters/manual_clock.ts";
import { apiClient } from "./support/api_client.ts";
import { apiOptions } from "./support/api_world.ts";
import { EventReader } from "./support/event_reader.ts";
import { scriptedSystem } from "./support/scripted_system.ts";
import { bearer, entryOf, tokenOf } from "./support/tokens.ts";

/** A line of a tokens file. */
function line(name: string, role: string, token: string, expires?: string): string {
  const more = expires === undefined ? "" : `, expires: "${expires}"`;
  return `- { name: ${name}, role: ${role}, sha256: ${tokenDigest(token)}${more} }\n`;
}

/** A book that follows a file, which is what the test last said; beside it an admin of the settings. */
function followed(text: string) {
  const clock = new ManualClock();
  const parsed = parseTokenFile(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const fixed = [entryOf("admin", { name: "api-token" })];
  const book = new TokenBook(clock, [...fixed, ...parsed.value]);
  const file: { text: string | Error } = { text };
  const changes: TokenFileChange[] = [];
  const stop = followTokenFile({
    book,
    fixed,
    clock,
    read: () => file.text instanceof Error ? Promise.reject(file.text) : Promise.resolve(file.text),
    onChange: (change) => changes.push(change),
  }, text);
  const roleOf = (token: string) => {
    const finding = book.find(token);
    return finding.kind === "holder" ? finding.holder.role : finding.kind;
  };
  return { clock, book, file, changes, stop, roleOf };
}

Deno.test("a token whose digest differs from an entry's in one digit is none", () => {
  const sha256 = tokenDigest("token");
  for (let at = 0; at < sha256.length; at++) {
    const other = sha256[at] === "0" ? "1" : "0";
    const entry = entryOf("admin", { sha256: sha256.slice(0, at) + other + sha256.slice(at + 1) });
    assertEquals(new TokenBook(new ManualClock(), [entry]).find("token").kind, "unknown");
  }
});

Deno.test("a new token counts and an old one does not within a second of the file's change", async () => {
  const { clock, file, changes, roleOf } = followed(line("ci", "viewer", "old"));
  assertEquals([roleOf("old"), roleOf("new")], ["viewer", "unknown"]);
  file.text = line("ci", "operator", "new");
  await clock.advance(2 * LOOK_MS);
  assertEquals([roleOf("old"), roleOf("new")], ["unknown", "operator"]);
  assertEquals(roleOf(tokenOf("admin")), "admin", "the settings' token stays");
  assertEquals(changes, [{ tokens: 1 }]);
  await clock.advance(10 * LOOK_MS);
  assertEquals(changes.length, 1, "it is told once");
});

Deno.test("a file that is just being written does not count before it is whole", async () => {
  const whole = line("ci", "viewer", "a") + line("ann", "admin", "b");
  const { clock, file, changes, roleOf } = followed(whole);
  for (const part of ["", line("ci", "viewer", "a"), whole.slice(0, 70)]) {
    file.text = part;
    await clock.advance(LOOK_MS);
  }
  file.text = whole + line("new", "viewer", "c");
  await clock.advance(2 * LOOK_MS);
  assertEquals([roleOf("a"), roleOf("b"), roleOf("c")], ["viewer", "admin", "viewer"]);
  assertEquals(changes, [{ tokens: 3 }]);
});

Deno.test("a file that is not in order, or gone, changes nothing, says so once, and in readiness", async () => {
  const text = line("ci", "viewer", "a");
  const { clock, book, file, changes, roleOf } = followed(text);
  const app = createHttpApp({ ...apiOptions(scriptedSystem(null)), clock, tokens: book });
  const warnings = async () => (await apiClient(app)("GET /readyz")).json.warnings;
  assertEquals(await warnings(), undefined);
  file.text = text + line("ann", "root", "b");
  await clock.advance(4 * LOOK_MS);
  assertEquals([roleOf("a"), roleOf("b")], ["viewer", "unknown"]);
  assertEquals(changes, [{
    faults: ["entry 2 (ann), role: must be viewer, operator or admin"],
  }]);
  const [warning, ...more] = await warnings();
  assertEquals(more, []);
  assert(
    /^the tokens file is not in order since 20.*; the tokens from before/.test(warning),
    warning,
  );
  file.text = new Error("No such file");
  await clock.advance(2 * LOOK_MS);
  assertEquals(roleOf("a"), "viewer");
  assertEquals(changes.at(-1), { faults: ["the file: cannot be read: No such file"] });
  file.text = text;
  await clock.advance(2 * LOOK_MS);
  assertEquals([changes.length, changes.at(-1), await warnings()], [3, { tokens: 1 }, undefined]);
});

Deno.test("nothing is read any more once it is stopped", async () => {
  const { clock, file, changes, stop } = followed(line("ci", "viewer", "a"));
  stop();
  file.text = line("ci", "admin", "b");
  await clock.advance(10 * LOOK_MS);
  assertEquals(changes, []);
});

/** An event stream that a holder of `token` reads. */
async function streamOf(app: ReturnType<typeof createHttpApp>, token: string) {
  const request = new Request("http://localhost/api/events", { headers: bearer(token) });
  const response = await app.fetch(request);
  assertEquals(response.status, 200);
  const reader = new EventReader(response);
  await reader.take(1);
  return reader;
}

Deno.test("the stream of a token that is taken away, changed or expired ends; the others go on", async () => {
  const expires = "2023-11-14T22:13:25Z";
  const stays = line("stays", "viewer", "stays");
  const { clock, book, file } = followed(
    stays + line("gone", "viewer", "gone") + line("less", "admin", "less") +
      line("late", "viewer", "late", expires),
  );
  const closing = new AbortController();
  const app = createHttpApp({
    ...apiOptions(scriptedSystem(null)),
    clock,
    tokens: book,
    closing: closing.signal,
  });
  const [gone, less, late, rest] = await Promise.all(
    ["gone", "less", "late", "stays"].map((token) => streamOf(app, token)),
  );
  file.text = stays + line("less", "viewer", "less") + line("late", "viewer", "late", expires);
  await clock.advance(2 * LOOK_MS);
  assertEquals([await gone!.next(), await less!.next()], [null, null]);
  assertEquals(book.find("late").kind, "holder");
  await clock.advance(Date.parse(expires) - clock.now() + LOOK_MS);
  assertEquals([await late!.next(), book.find("late").kind], [null, "expired"]);
  const beat = rest!.nextComment();
  await clock.advance(15_000);
  await beat;
  closing.abort();
  assertEquals(await rest!.next(), null, "until the control plane ends");
});
