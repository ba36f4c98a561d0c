/** Contexts: what is in the file, which of flag, variable and context counts, and that no token goes elsewhere. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseClientSettings } from "../../settings/client_settings.ts";
import { type Contexts, contextsText, parseContexts } from "../../settings/contexts.ts";
import { beginDraas, type HostChanges, itemsOf, scriptedApp } from "./support/cli_world.ts";

const TOKEN = "a-token-nobody-must-see";
const PROD = "https://prod.example";

const nobody = {
  fetch: () => {
    throw new Error("no control plane is to be asked");
  },
};

/** `draas <line>` with a file of contexts, which it may change. */
function draas(
  contexts: NonNullable<HostChanges["contexts"]>,
  line: string,
  changes: HostChanges = {},
) {
  return beginDraas(nobody, line.split(" "), { contexts, ...changes }).ended;
}

/** What was asked where, and with which token, by `draas workers <flags>`. */
async function asked(
  contexts: string,
  flags: string,
  changes: HostChanges = {},
): Promise<[string, string | null]> {
  const app = scriptedApp([Response.json({ items: [] })]);
  const line = `workers ${flags}`.trim().split(" ");
  const { stderr } = await beginDraas(app, line, { contexts: { text: contexts }, ...changes })
    .ended;
  const [request] = app.asked;
  if (request === undefined) throw new Error(stderr);
  return [request.url.replace(/\/api\/workers.*/, ""), request.headers.get("authorization")];
}

const FILE = `
current: prod
contexts:
  prod: {url: "${PROD}/", token: ${TOKEN}}
  test: {url: "http://test.example", tokenFile: /run/token}
  open: {url: "http://open.example"}
`;

Deno.test("contexts are added, listed, chosen and removed; the first is the current one at once", async () => {
  const file: { text: string | null } = { text: null };
  const none = await draas(file, "context list");
  assertEquals([none.code, none.stdout], [0, ""]);
  assertStringIncludes(none.stderr, "No contexts yet");
  const first = await draas(file, `context add prod ${PROD}`);
  assertEquals([first.code, first.stdout], [0, ""]);
  assertStringIncludes(first.stderr, "prod is https://prod.example, and is the current one.");
  await draas(file, "context add test http://test.example/draas/ --token-file /run/token");
  assertEquals((await draas(file, "context list -o name")).stdout, "prod\ntest\n");
  const used = await draas(file, "context use test");
  assertStringIncludes(used.stderr, "test is the current context.");
  assertEquals(itemsOf(await draas(file, "context list --json")), [
    { name: "prod", url: PROD, current: false, hasToken: false },
    {
      name: "test",
      url: "http://test.example/draas",
      current: true,
      hasToken: true,
      tokenFile: "/run/token",
    },
  ]);
  const removed = await draas(file, "context remove test");
  assertStringIncludes(removed.stderr, "there is no current context now");
  assertMatch((await draas(file, "context list")).stdout, /^ +NAME +URL +TOKEN\n +prod +https/);
});

Deno.test("a token is read from the standard input alone, and told nowhere", async () => {
  const file: { text: string | null } = { text: null };
  const line = `context add prod ${PROD} --token-stdin`;
  const added = await draas(file, line, { typed: `${TOKEN}\n` });
  assertEquals(added.code, 0);
  assertStringIncludes(file.text ?? "", TOKEN);
  const listed = [await draas(file, "context list"), await draas(file, "context list -o yaml")];
  for (const { stdout, stderr } of [added, ...listed]) {
    assert(!`${stdout}${stderr}`.includes(TOKEN), stdout);
  }
  assertStringIncludes(listed[0]!.stdout, "kept here");
  const empty = await draas({ text: null }, line, { typed: "two words" });
  assertEquals(empty.code, 2);
});

Deno.test("what cannot be is refused with its code, and the file stays as it is", async () => {
  const wrong: [string, number, string][] = [
    ["context add prod http://other.example", 4, "There is a context prod already."],
    ["context add a/b http://x", 2, "The name must be 1 to 64 letters"],
    ["context add new ftp://x", 2, "The address must be an http or https address"],
    ["context add new http://x --token-file f --token-stdin", 2, "--token-file says where"],
    ["context use nobody", 3, 'There is no context "nobody"; there are open, prod, test.'],
    ["context remove constructor", 3, "There is no context"],
    ["context uze prod", 2, "Did you mean use?"],
    ["workers --context prd", 2, "--context names no context; there are open, prod, test."],
    ["workers --context prod --url http://x", 2, "--context says where, as --url does"],
  ];
  for (const [line, code, words] of wrong) {
    const file = { text: FILE };
    const end = await draas(file, line);
    assertEquals([end.code, end.stdout, file.text], [code, "", FILE], line);
    assertStringIncludes(end.stderr, words);
    assert(!end.stderr.includes(TOKEN), end.stderr);
  }
});

Deno.test("a flag comes before a variable, that before the current context, and that before the default", async () => {
  const environment = { DRAAS_URL: "http://variable.example" };
  assertEquals((await asked(FILE, ""))[0], PROD);
  assertEquals((await asked(FILE, "--context open"))[0], "http://open.example");
  assertEquals((await asked(FILE, "", { environment }))[0], "http://variable.example");
  assertEquals((await asked(FILE, "--url http://a", { environment }))[0], "http://a");
  assertEquals((await asked(FILE, "--context open", { environment }))[0], "http://open.example");
  assertEquals((await asked("contexts: {}", ""))[0], "http://127.0.0.1:4700");
});

Deno.test("a context's token goes to its address alone; DRAAS_TOKEN comes before it, and not where a flag names one", async () => {
  const own = `Bearer ${TOKEN}`;
  const environment = { DRAAS_TOKEN: "another-token" };
  const files = { "/run/token": `${TOKEN}\n` };
  assertEquals(await asked(FILE, ""), [PROD, own]);
  assertEquals(await asked(FILE, "--context prod", { environment }), [PROD, own]);
  assertEquals(await asked(FILE, "", { environment }), [PROD, "Bearer another-token"]);
  assertEquals(await asked(FILE, "--context test", { files }), ["http://test.example", own]);
  assertEquals(await asked(FILE, "--context open", { environment }), [
    "http://open.example",
    null,
  ]);
  for (const line of ["--url https://prod.example", "--url http://other.example"]) {
    assertEquals((await asked(FILE, line))[1], null, line);
  }
  assertEquals(
    await asked(FILE, "", { environment: { DRAAS_URL: "http://other.example" } }),
    ["http://other.example", null],
  );
});

Deno.test("a token file that is not there, or holds no token, is told by its path", async () => {
  const missing = await draas({ text: FILE }, "workers --context test");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "/run/token cannot be read");
  const files = { "/run/token": "two secret words" };
  const malformed = await draas({ text: FILE }, "workers --context test", { files });
  assertEquals(malformed.code, 2);
  assert(!malformed.stderr.includes("secret"), malformed.stderr);
});

Deno.test("a file that others can read may hold no token; how to mend it is said, and it is in nobody's way else", async () => {
  const file = { text: FILE, isPrivate: false };
  const refused = await draas(file, "workers");
  assertEquals(refused.code, 2);
  assertStringIncludes(
    refused.stderr,
    "/home/me/.config/draas/contexts.yaml: contexts.prod.token can be read by others: chmod 600",
  );
  const app = scriptedApp([Response.json({ items: [] })]);
  const line = ["workers", "--url", "http://elsewhere.example"];
  assertEquals((await beginDraas(app, line, { contexts: file }).ended).code, 0);
  assert(parseContexts("contexts: {a: {url: http://a, tokenFile: /t}}", false).ok);
});

Deno.test("every fault of the file is told with its place, and nothing of what is secret", () => {
  const faults = (text: string) => {
    const parsed = parseContexts(text, true);
    return parsed.ok ? [] : parsed.faults.map(({ path }) => path);
  };
  assertEquals(faults(FILE), []);
  assertEquals(faults(""), []);
  assertEquals(faults("current: nobody"), ["current"]);
  assertEquals(faults("contexts: {a: {url: a.example}, b: {}, c: {url: http://c, tokenFile: t}}"), [
    "contexts.a.url",
    "contexts.b.url",
    "contexts.c.tokenFile",
  ]);
  assertEquals(faults("contexts: {a: {url: http://a, token: x, tokenFile: /t}}"), ["contexts.a"]);
  assertEquals(faults("contexts: {a: {url: http://a, tokn: x}}"), ["contexts.a.tokn"]);
  const broken = parseContexts(`contexts: {a: {token: ${TOKEN}`, true);
  assert(!broken.ok && !JSON.stringify(broken.faults).includes(TOKEN));
});

Deno.test("what is written is read again as it was", () => {
  const contexts: Contexts = {
    current: "a",
    contexts: { a: { url: "http://a", token: "0123" }, b: { url: "http://b", tokenFile: "/t" } },
  };
  assertEquals(parseContexts(contextsText(contexts), true), { ok: true, value: contexts });
});

Deno.test("settings tell who said what, and not what is secret", () => {
  const parsed = parseContexts(FILE, true);
  assert(parsed.ok);
  const from = (environment: Record<string, string>, flags = {}) => {
    const settings = parseClientSettings(environment, flags, parsed.value);
    return settings.ok ? [settings.value.urlFrom, settings.value.tokenFrom] : settings.faults;
  };
  assertEquals(from({}), ["context prod", "context prod"]);
  assertEquals(from({}, { context: "open" }), ["context open", null]);
  assertEquals(from({ DRAAS_TOKEN: TOKEN }), ["context prod", "DRAAS_TOKEN"]);
  assertEquals(from({}, { url: "http://x" }), ["--url", null]);
});
