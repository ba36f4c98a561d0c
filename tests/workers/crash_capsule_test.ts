/** What is kept of a run that ended badly, and that no secret is in it. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CAPSULE_BYTES_MAX, capsuleSchema } from "../../events/runtime_info.ts";
import { capsuleOf, changesSince } from "../../workers/process/crash_capsule.ts";
import { maskedEnvironment, redacted } from "../../workers/redaction.ts";

const good = {
  configurationRevision: 3,
  program: "/bin/a (1 bytes)",
  environment: { PATH: "/bin", OLD: "***" },
  fields: { command: "aa", env: "bb", port: "cc" },
};

Deno.test("what differs from the last good launch is said in words", () => {
  const now = {
    configurationRevision: 4,
    program: "/bin/a (2 bytes)",
    environment: { PATH: "/usr/bin", NEW: "***" },
    fields: { command: "aa", env: "bx", liveness: "dd" },
  };
  assertEquals(changesSince(good, now), [
    "configuration: revision 4, was revision 3",
    "configuration field env has changed",
    "configuration field liveness is new",
    "configuration field port is gone",
    "program: /bin/a (2 bytes), was /bin/a (1 bytes)",
    "environment variable NEW is new",
    "environment variable OLD is gone",
  ]);
  assertEquals(changesSince(good, good), []);
});

Deno.test("a capsule is as its schema says and never larger than an event may bear", () => {
  const text = fc.string({ maxLength: 1_000, unit: "grapheme" });
  const environment = fc.dictionary(text, fc.constant("***"), { maxKeys: 100 });
  const facts = fc.record({ program: text, environment, fields: environment });
  const problem = fc.string({ maxLength: 300 });
  const results = fc.array(
    fc.record({ at: fc.nat(), kind: fc.constant("liveness" as const), problem }),
    { maxLength: 5 },
  );
  const resources = fc.array(
    fc.record({ at: fc.nat(), cpuPercent: fc.nat(), memoryBytes: fc.nat() }),
    { maxLength: 30 },
  );
  const record = fc.record({ results, isFailed: fc.constant(false), resources });
  fc.assert(
    fc.property(facts, fc.option(facts), record, (now, before, probes) => {
      const capsule = capsuleOf(now, before, probes);
      assert(capsuleSchema.safeParse(capsule).success);
      const bytes = new TextEncoder().encode(JSON.stringify(capsule)).length;
      assert(bytes <= CAPSULE_BYTES_MAX, String(bytes));
    }),
    { numRuns: 50 },
  );
});

Deno.test("names of variables are shown, and values only of those that everybody may know", () => {
  assertEquals(
    maskedEnvironment({ TOKEN: "s3cret", PATH: "/bin", PORT: "80", DRAAS_KEY: "mine" }, 10),
    { DRAAS_KEY: "***", PATH: "/bin", PORT: "80", TOKEN: "***" },
  );
});

Deno.test("what looks like a secret does not leave the host in a server's words", () => {
  const hidden: [string, string][] = [
    ["redis://user:pa55@host:6379 refused", "redis://***:***@host:6379 refused"],
    ["password=hunter2 host=h", "password=*** host=h"],
    ['{"api_key": "abc def", "port": 1}', '{"api_key": ***, "port": 1}'],
    ["DB_PASSWORD: 'x y'", "DB_PASSWORD: ***"],
    ["Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"],
    [
      "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
      "-----PRIVATE KEY ***-----",
    ],
  ];
  for (const [text, expected] of hidden) assertEquals(redacted(text), expected);
  const harmless = "listening on http://127.0.0.1:8080/health, 3 tokens per second";
  assertEquals(redacted(harmless), harmless);
});

Deno.test("no text keeps the redaction busy", () => {
  const began = performance.now();
  for (const unit of ["a.", "token", "-----BEGIN ", "a:", "b://"]) {
    redacted(unit.repeat(8_192 / unit.length));
  }
  assert(performance.now() - began < 5_000);
});
