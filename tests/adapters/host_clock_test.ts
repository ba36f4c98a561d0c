/** The host's clock as the log may rely on it. */
import { assertEquals } from "@std/assert";
import { steadyWall } from "../../adapters/host/host_clock.ts";

Deno.test("a host clock that is set back does not take the log's clock with it", () => {
  let wall = 10_000;
  let monotonic = 0;
  const { now } = steadyWall(() => wall, () => monotonic);
  const readings = [now()];
  monotonic = 50;
  wall = 10_050;
  readings.push(now());
  wall = 2_000;
  monotonic = 80;
  readings.push(now());
  assertEquals(readings, [10_000, 10_050, 10_080]);
});

Deno.test("a host clock that is set forward is followed", () => {
  let wall = 10_000;
  const { now } = steadyWall(() => wall, () => 0);
  wall = 99_000;
  assertEquals(now(), 99_000);
});

Deno.test("a log from the future makes the clock go on from there, not stand still", () => {
  let monotonic = 0;
  const { now, neverBefore } = steadyWall(() => 10_000 + monotonic, () => monotonic);
  neverBefore(50_000);
  monotonic = 7;
  assertEquals(now(), 50_007);
});
