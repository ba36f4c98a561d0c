/** A process of its own that writes to an embedded log without an end, and says after each turn how far it has come. */
import { hostIds, nextTurn } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { openSqliteBroker } from "../../adapters/sqlite/sqlite_broker.ts";
import { created } from "../contracts/broker_samples.ts";
import { sleep } from "../../events/clock.ts";
import { newEvent } from "../../events/instance_events.ts";

const INSTANCES = 20;
/** So long that the write-ahead log, of 4 MiB at most, begins anew each second or two. */
const REQUEST = "x".repeat(3_000);
const PAUSE_MS = 20;

const [folder = ""] = Deno.args;
const { log } = openSqliteBroker({
  folder,
  clock: hostClock,
  ids: hostIds,
  defer: nextTurn,
  onFatal: (error) => {
    throw error;
  },
});
const encoder = new TextEncoder();
for (let version = 0;; version++) {
  const outcomes = await Promise.all(
    Array.from({ length: INSTANCES }, (_, index) =>
      log.append({
        instanceId: `i-${index}`,
        expectedVersion: version,
        events: [
          version === 0
            ? created()
            : newEvent("RequestAnswered", { request: REQUEST, commandId: null }),
        ],
        meta: { requestedBy: "writer" },
        commands: [],
        ends: [],
        generation: 0,
      })),
  );
  if (outcomes.some(({ kind }) => kind !== "appended")) throw new Error("an append was refused");
  Deno.stdout.writeSync(encoder.encode(`${(version + 1) * INSTANCES}\n`));
  await sleep(hostClock, PAUSE_MS);
}
