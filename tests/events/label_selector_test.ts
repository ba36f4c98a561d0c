/** Label selectors: what each form means, and what is none. */
import { assertEquals } from "@std/assert";
import { parseSelector, selects } from "../../events/label_selector.ts";

const FLEET: Record<string, Record<string, string>> = {
  web: { env: "prod", tier: "web" },
  api: { env: "prod", tier: "api", old: "" },
  lab: { env: "test", "team/owner": "ann b" },
  bare: {},
};

const MEANINGS: Record<string, string[]> = {
  "env": ["web", "api", "lab"],
  "!env": ["bare"],
  "! env": ["bare"],
  "env=prod": ["web", "api"],
  "env==prod": ["web", "api"],
  " env = prod ": ["web", "api"],
  "env!=prod": ["lab", "bare"],
  "env=prod,tier!=web": ["api"],
  "env=prod,!old": ["web"],
  "old=": ["api"],
  "env in (test, prod),tier": ["web", "api"],
  "tier notin (web,api)": ["lab", "bare"],
  "team/owner=ann b": ["lab"],
  "env=prod,env=test": [],
};

for (const [text, expected] of Object.entries(MEANINGS)) {
  Deno.test(`the selector ${JSON.stringify(text)} means ${expected.join(", ") || "nobody"}`, () => {
    const parsed = parseSelector(text);
    const meant = Object.entries(FLEET)
      .filter(([, labels]) => parsed.ok && selects(parsed.value, labels)).map(([name]) => name);
    assertEquals([parsed.ok, meant], [true, expected]);
  });
}

const NONE = [
  "",
  ",",
  "a,",
  "a,,b",
  "=b",
  "a===b",
  "a=b=c,=",
  "!",
  "a b",
  "in (x)",
  "a in x",
  "-a=b",
];

for (const text of [...NONE, Array(40).fill("a").join(",")]) {
  Deno.test(`${JSON.stringify(text.slice(0, 20))} is no selector, and is told from where on`, () => {
    const parsed = parseSelector(text);
    assertEquals(parsed.ok, false);
    if (!parsed.ok) assertEquals(parsed.faults[0]!.message.includes("such as env=prod"), true);
  });
}

Deno.test("the names of what every object has are no labels", () => {
  const parsed = parseSelector("constructor");
  assertEquals(parsed.ok && selects(parsed.value, {}), false);
});
