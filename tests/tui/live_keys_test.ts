/** Thousands of random keys on a live fleet, through the real terminal UI: nothing is deleted, and it does not fall. */
import { assert, assertEquals } from "@std/assert";
import { hostIds, hostRandomness } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { RemoteSystem } from "../../http/client/remote_system.ts";
import { openTui } from "../../tui/shell/open_tui.tsx";
import { until } from "../e2e/program.ts";
import { withApi } from "../http/support/api_world.ts";
import { fakeTerminal } from "./support/fake_terminal.ts";

const INSTANCES = 20;
/** `DRAAS_KEYS=100000` presses as many as a long day of work. */
const KEYS = Number(Deno.env.get("DRAAS_KEYS") ?? 1_500);
const AT_ONCE = 5;

/** As terminals send them. Without `y` and digits: what confirms a delete cannot be typed. Ctrl-C and Ctrl-Z would end it. */
const BYTES = [
  ..."abcdefghijklmnopqrstuvwxzABCDEFGHIJKLMNOPQRSTUVWXYZ/:?.*\\<>!-=,;[]{} ",
  ..."DDDDD",
  "\r",
  "\r",
  "\t",
  "\t",
  "\u001b",
  "\u001b[A",
  "\u001b[B",
  "\u001b[5~",
  "\u001b[6~",
  "\u007f",
  "\u0002",
  "\u0004",
  "\u0006",
  "\u000c",
  "\u0010",
  "\u0014",
  "\u0015",
  "\u001b[<65;5;5M",
  "\u001b[<0;5;9M",
  "日",
];

Deno.test("thousands of random keys on a live fleet delete nothing, and the screen stays whole", () =>
  withApi(async ({ app, create, startWorker, system }) => {
    await startWorker();
    for (let at = 0; at < INSTANCES; at++) await create({ name: `web-${at}` });
    const fleet = new RemoteSystem({
      url: "http://127.0.0.1:4700",
      token: null,
      fetch: (request) => app.fetch(request),
      clock: hostClock,
      ids: hostIds,
      randomness: hostRandomness,
    });
    const terminal = fakeTerminal();
    const origin = { url: fleet.url, version: "0.1.0" };
    const { host, streams } = terminal;
    const tui = openTui({ fleet, host, origin, streams, interactive: true });
    let hasEnded = false;
    void tui.left.then(() => hasEnded = true, () => hasEnded = true);
    await until("the fleet on the screen", async () => terminal.written().includes("web-0"));
    const random = generator(20261129);
    let drawn = "";
    for (let pressed = 0; pressed < KEYS; pressed += AT_ONCE) {
      for (let at = 0; at < AT_ONCE; at++) {
        const key = BYTES[Math.floor(random() * BYTES.length)]!;
        // Leaving is not what is tried here.
        terminal.type(key === "q" ? "k" : key);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
      drawn += terminal.written();
      if (hasEnded) break;
    }
    assert(!hasEnded, "it is still there");
    assertEquals(terminal.bugs, []);
    // deno-lint-ignore no-control-regex -- that is what an escape sequence begins with
    assertEquals(drawn.match(/\u001b\[[23]J/g), null, "the whole screen was never cleared");
    const { items } = await system.list({ limit: INSTANCES + 1 });
    assertEquals(items.length, INSTANCES, "nothing was deleted");
    await tui.close();
  }));

/** The same numbers on each run: mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}
