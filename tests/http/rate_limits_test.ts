/** How often somebody may ask: the bucket's properties, whose bucket it is, and what who asks too often is told. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type Bucket,
  Buckets,
  filled,
  fullBucket,
  networkOf,
  type Rate,
  waitMsOf,
} from "../../http/access/rate_limits.ts";
import { createHttpApp } from "../../http/app.ts";
import type { HttpOptions } from "../../http/options.ts";
import { ManualClock } from "../adapters/manual_clock.ts";
import { apiClient, assertProblem } from "./support/api_client.ts";
import { apiOptions } from "./support/api_world.ts";
import { scriptedSystem, stateAfter } from "./support/scripted_system.ts";
import { bearer, bookOfAllRoles, entryOf, tokenOf } from "./support/tokens.ts";
import { TokenBook } from "../../http/access/token_book.ts";
import { tokenDigest } from "../../events/access_tokens.ts";

const LIST = "GET /api/server/instances";
const START = "POST /api/server/instances/i-1/start";
const rates = fc.record({
  perSecond: fc.double({ min: 0.1, max: 5_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 10_000 }),
});
const gaps = fc.array(fc.double({ min: 0, max: 3_000, noNaN: true }), { maxLength: 200 });

/** What a caller gets who asks after each of `gapsMs`. */
function takenAfter(rate: Rate, gapsMs: readonly number[]): { taken: number; tookMs: number } {
  let bucket: Bucket = fullBucket(rate, 0);
  let [now, taken] = [0, 0];
  for (const gapMs of gapsMs) {
    now += gapMs;
    bucket = filled(bucket, rate, now);
    if (waitMsOf(bucket, rate) > 0) continue;
    bucket = { ...bucket, left: bucket.left - 1 };
    taken++;
  }
  return { taken, tookMs: now };
}

Deno.test("nobody gets more than the burst and what has come since", () => {
  fc.assert(fc.property(rates, gaps, (rate, gapsMs) => {
    const { taken, tookMs } = takenAfter(rate, gapsMs);
    assert(taken <= rate.burst + rate.perSecond * tookMs / 1_000 + 1e-6);
  }));
});

Deno.test("a bucket is never fuller than its burst nor emptier than nothing, also where time goes back", () => {
  fc.assert(fc.property(rates, gaps, (rate, times) => {
    let bucket = fullBucket(rate, 1_000);
    for (const now of times) {
      const next = filled(bucket, rate, now);
      assert(next.left <= rate.burst && next.left >= bucket.left && next.atMs >= bucket.atMs);
      bucket = waitMsOf(next, rate) === 0 ? { ...next, left: next.left - 1 } : next;
      assert(bucket.left >= 0);
    }
  }));
});

Deno.test("who waits as long as told gets one", () => {
  fc.assert(fc.property(rates, fc.double({ min: 0, max: 0.999, noNaN: true }), (rate, left) => {
    const waitMs = waitMsOf({ left, atMs: 0 }, rate);
    assert(waitMs > 0);
    assertEquals(waitMsOf(filled({ left, atMs: 0 }, rate, waitMs + 1e-6), rate), 0);
  }));
});

Deno.test("of more callers than are kept the one that was quiet for longest is forgotten", () => {
  const buckets = new Buckets({ perSecond: 0.001, burst: 1 }, new ManualClock(), 2);
  assertEquals(["a", "b", "a"].map((key) => buckets.take(key) === 0), [true, true, false]);
  assertEquals([buckets.take("c"), buckets.size], [0, 2]);
  assertEquals([buckets.waitMs("b") > 0, buckets.waitMs("c") > 0], [true, true]);
  assertEquals(buckets.waitMs("a"), 0, "it begins anew");
});

Deno.test("an address of IPv6 counts as its network", () => {
  const networks: Record<string, string> = {
    "192.0.2.7": "192.0.2.7",
    "::ffff:192.0.2.7": "192.0.2.7",
    "::1": "0:0:0:0",
    "2001:db8::7": "2001:db8:0:0",
    "2001:DB8:1:2:3:4:5:6": "2001:db8:1:2",
    "2001:db8:1:2::": "2001:db8:1:2",
    "fe80::1%eth0": "fe80:0:0:0",
  };
  for (const [address, network] of Object.entries(networks)) {
    assertEquals(networkOf(address), network, address);
  }
});

const done = {
  kind: "done",
  changed: true,
  state: stateAfter(),
  position: "1-0",
  event: null,
} as const;

function worldOf(changed: Partial<HttpOptions>) {
  const clock = new ManualClock();
  const app = createHttpApp({ ...apiOptions(scriptedSystem(done)), clock, ...changed });
  const from = (hostname: string) =>
    apiClient({ fetch: (request) => app.fetch(request, { remoteAddr: { hostname } }) });
  return { clock, from };
}

Deno.test("who asks too often is told when to come back; reads and changes have a measure each", async () => {
  const { clock, from } = worldOf({ rates: { readsPerSecond: 2, changesPerSecond: 1 } });
  const call = from("192.0.2.1");
  for (let count = 0; count < 4; count++) assertEquals((await call(LIST)).status, 200);
  const refused = await call(LIST);
  const { retryable, hint } = assertProblem(refused, 429, "rate_limited");
  assertEquals([retryable, refused.headers.get("retry-after")], [true, "1"]);
  assert(hint.includes("DRAAS_READS_PER_SECOND"), hint);
  assertEquals((await call(START)).status, 200, "reads take nothing from changes");
  assertEquals((await from("192.0.2.2")(LIST)).status, 200, "nor from another address");
  assertEquals((await call("GET /healthz")).status, 200, "whoever looks after it is not counted");
  await clock.advance(500);
  assertEquals([(await call(LIST)).status, (await call(LIST)).status], [200, 429]);
  for (const status of [200, 429]) assertEquals((await call(START)).status, status);
});

Deno.test("with tokens, a caller is a token's name, wherever it comes from", async () => {
  const { from } = worldOf({
    tokens: bookOfAllRoles(),
    rates: { readsPerSecond: 1, changesPerSecond: 1 },
  });
  const ask = async (address: string, role: "viewer" | "operator") =>
    (await from(address)(LIST, { headers: bearer(tokenOf(role)) })).status;
  assertEquals([await ask("192.0.2.1", "viewer"), await ask("192.0.2.2", "viewer")], [200, 200]);
  assertEquals(await ask("192.0.2.3", "viewer"), 429);
  assertEquals(await ask("192.0.2.3", "operator"), 200);
});

Deno.test("a measure of 0 is none", async () => {
  const { from } = worldOf({ rates: { readsPerSecond: 0, changesPerSecond: 1 } });
  for (let count = 0; count < 50; count++) {
    assertEquals((await from("192.0.2.1")(LIST)).status, 200);
  }
});

const GUESSABLE = "a-token-of-people";
const REFUSALS_MAX = 20;

Deno.test("an address that sends no right token has to wait, and guesses no faster than one in 3 s", async () => {
  const { clock, from } = worldOf({ tokens: guardedBy(GUESSABLE) });
  const attacker = from("203.0.113.1");
  for (let count = 0; count < REFUSALS_MAX; count++) {
    const headers = count % 2 === 0 ? {} : bearer(`guess-${count}`);
    assertProblem(await attacker(LIST, { headers }), 401, "unauthorized");
  }
  const refused = await attacker(LIST, { headers: bearer("guess") });
  assertProblem(refused, 429, "rate_limited");
  assertEquals(refused.headers.get("retry-after"), "3");
  // Even the right one is not looked at, or each refusal would be an answer to a guess.
  assertEquals((await attacker(LIST, { headers: bearer(GUESSABLE) })).status, 429);
  assertEquals((await from("203.0.113.2")(LIST, { headers: bearer(GUESSABLE) })).status, 200);
  await clock.advance(3_000);
  assertEquals((await attacker(LIST, { headers: bearer(GUESSABLE) })).status, 200);
  assertEquals((await attacker(LIST, { headers: bearer("guess") })).status, 401);
  assertEquals((await attacker(LIST, { headers: bearer("guess") })).status, 429);
});

Deno.test("whoever has a token that cannot be guessed is not locked out by others behind the same address", async () => {
  const { from } = worldOf({ tokens: guardedBy(GUESSABLE) });
  const proxy = from("198.51.100.1");
  const long = bearer(`draas_${"x".repeat(43)}`);
  for (let count = 0; count < REFUSALS_MAX; count++) await proxy(LIST, { headers: long });
  assertProblem(await proxy(LIST, { headers: long }), 429, "rate_limited");
  assertEquals((await proxy(LIST, { headers: bearer(tokenOf("viewer")) })).status, 200);
});

function guardedBy(token: string): TokenBook {
  const clock = new ManualClock();
  const own = entryOf("admin", { name: "api-token", sha256: tokenDigest(token) });
  return new TokenBook(clock, [own, entryOf("viewer")]);
}
