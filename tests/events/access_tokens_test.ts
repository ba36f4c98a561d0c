/** The tokens file: what an entry may be, every fault at once, and nothing of a token in what is told. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  parseTokenEntries,
  ROLES,
  tokenDigest,
  type TokenEntry,
  tokenExpirySchema,
} from "../../events/access_tokens.ts";
import { faultLines, parseTokenFile } from "../../http/access/token_file.ts";

const A = tokenDigest("a");
const B = tokenDigest("b");

Deno.test("a token's digest is its SHA-256, as other tools tell it", () => {
  // printf a | sha256sum
  assertEquals(A, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
});

Deno.test("entries are read from YAML, and from JSON", () => {
  const expected: TokenEntry[] = [
    { name: "ci", role: "operator", sha256: A, expiresAt: Date.parse("2031-01-31T00:00:00Z") },
    { name: "ann.b_1-x", role: "admin", sha256: B, expiresAt: null },
  ];
  const yaml = `# of the shop
- name: ci
  role: operator
  sha256: ${A.toUpperCase()}
  expires: 2031-01-31
  note: its pipeline
- { name: ann.b_1-x, role: admin, sha256: ${B} }
`;
  const json = JSON.stringify([
    { name: "ci", role: "operator", sha256: A, expires: "2031-01-31T01:00:00+01:00" },
    { name: "ann.b_1-x", role: "admin", sha256: B },
  ]);
  for (const text of [yaml, json]) {
    assertEquals(parseTokenFile(text), { ok: true, value: expected });
  }
});

Deno.test("the example of the documentation is in order", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/security.md", import.meta.url));
  const [, example = ""] = /## Tokens[^]*?```yaml\n([^]*?)```/.exec(text) ?? [];
  assertEquals(faultLines(parseTokenFile(example)), []);
});

Deno.test("every fault is told at once, with its place and the right form, and no value", () => {
  const secret = "draas_a-secret-that-nobody-must-see";
  const text = `
- name: ci
  role: root
  sha256: ${secret}
- { name: 7up, role: viewer, sha256: ${A}, expires: 2031-02-31 }
- { name: leader, role: viewer, sha256: ${A}, token: ${secret} }
- { role: admin }
- just text
- { name: twice, role: viewer, sha256: ${B} }
- { name: twice, role: admin, sha256: ${B}, expires: soon }
- { name: twice, role: admin, sha256: ${B} }
`;
  const lines = faultLines(parseTokenFile(text));
  assertEquals(lines, [
    "entry 1 (ci), role: must be viewer, operator or admin",
    "entry 1 (ci), sha256: must be a SHA-256: 64 hexadecimal digits; never the token itself",
    "entry 2, name: must be 1 to 64 letters, digits, '.', '_' and '-', a letter first",
    "entry 2, expires: must be a date or a time, for example 2031-01-31 or 2031-01-31T12:00:00Z",
    "entry 3 (leader), name: is a name that DRaaS itself has in the log",
    "entry 3 (leader), token: is not a known field",
    "entry 4, name: must be a name, for example ci",
    "entry 4, sha256: must be there: the token's SHA-256, as `draas token new` tells it",
    "entry 5: must be an entry with name, role and sha256",
    "entry 7 (twice), expires: must be a date or a time, for example 2031-01-31 or 2031-01-31T12:00:00Z",
    "entry 8 (twice), role: must be the role that its name has above",
    "entry 8 (twice), sha256: must be of another token than those above",
  ]);
  assert(!lines.join().includes(secret));
});

Deno.test("what is no list of tokens is refused, an empty one too", () => {
  const form = "the file: must be a list of tokens, each with name, role and sha256";
  for (const text of ["", "[]", "tokens: []", "a", "{}"]) {
    assertEquals(faultLines(parseTokenFile(text)), [form], text);
  }
  const [fault = ""] = faultLines(parseTokenFile("- name: [secret"));
  assert(fault.startsWith("the file: is not valid YAML: ") && !fault.includes("secret"), fault);
  const many = Array.from({ length: 1_001 }, () => ({}));
  assertEquals(faultLines(parseTokenEntries(many)), ["the file: must have at most 1000 tokens"]);
});

Deno.test("two tokens of one name and role are one holder's, of whom one goes", () => {
  const entries = [A, B].map((sha256) => ({ name: "ci", role: "operator", sha256 }));
  const parsed = parseTokenEntries(entries);
  assertEquals(parsed.ok && parsed.value.map(({ name }) => name), ["ci", "ci"]);
});

Deno.test("a date is its first moment in UTC; what is none in the calendar is refused", () => {
  const at = (text: string) => tokenExpirySchema.safeParse(text).data;
  assertEquals(at("2028-02-29"), Date.UTC(2028, 1, 29));
  assertEquals(at("2028-02-29T23:59+14:00"), Date.UTC(2028, 1, 29, 9, 59));
  assertEquals(at("2028-02-29T23:59:58.5Z"), Date.UTC(2028, 1, 29, 23, 59, 58, 500));
  for (
    const text of [
      "2027-02-29",
      "2028-04-31T00:00Z",
      "2028-13-01",
      "2028-02-29T12:00",
      "2028-2-9",
      "tomorrow",
      "",
    ]
  ) assertEquals(at(text), undefined, text);
});

Deno.test("whatever is in the file is entries or faults that name their place", () => {
  const entry = fc.record({
    name: fc.oneof(fc.constantFrom("ci", "leader", "a b"), fc.anything()),
    role: fc.oneof(fc.constantFrom(...ROLES), fc.anything()),
    sha256: fc.oneof(fc.constantFrom(A, B), fc.anything()),
    expires: fc.oneof(fc.constant("2031-01-31"), fc.anything()),
  }, { requiredKeys: [] });
  fc.assert(fc.property(fc.oneof(fc.array(entry, { maxLength: 5 }), fc.anything()), (content) => {
    const parsed = parseTokenEntries(content);
    if (!parsed.ok) return assert(parsed.faults.length > 0);
    for (const { name, role, sha256, expiresAt } of parsed.value) {
      assert(/^[A-Za-z]/.test(name) && ROLES.includes(role) && /^[0-9a-f]{64}$/.test(sha256));
      assert(expiresAt === null || Number.isFinite(expiresAt));
    }
  }));
});
