/** How long a node takes to know its fleet again, from the log alone and from a snapshot. Design §3. */
import { InstanceTable } from "../actors/instance_table.ts";
import { recover } from "../actors/recovery.ts";
import { SnapshotKeeper } from "../actors/snapshot_keeper.ts";
import { hostIds, nextTurn } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openSqliteBroker } from "../adapters/sqlite/sqlite_broker.ts";
import { inFolder } from "./embedded_node.ts";
import { type Figure, figure } from "./figures.ts";
import { writeHistories } from "./histories.ts";

const ROUNDS = 3;
const INSTANCES = 10_000;
const EVENTS_EACH = 10;

/** Seconds to open the log and fold it. */
export function recoveryFigures(): Promise<Figure[]> {
  return inFolder(async (folder) => {
    writeHistories(folder, INSTANCES, EVENTS_EACH);
    const fromLog = await rounds(folder, false);
    await recoverOnce(folder, true);
    const fromSnapshot = await rounds(folder, true);
    const what = `${INSTANCES * EVENTS_EACH} events of ${INSTANCES} instances`;
    return [
      figure({ name: "recovery, log", unit: "s", goal: null, note: what }, fromLog),
      figure(
        {
          name: "recovery, snapshot",
          unit: "s",
          goal: null,
          note: `${what}, snapshot at the newest one`,
        },
        fromSnapshot,
      ),
    ];
  });
}

async function rounds(folder: string, expectsSnapshot: boolean): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { seconds, fromSnapshot } = await recoverOnce(folder, false);
    if ((fromSnapshot > 0) !== expectsSnapshot) throw new Error("the wrong way to recover");
    times.push(seconds);
  }
  return times;
}

async function recoverOnce(
  folder: string,
  thenSaves: boolean,
): Promise<{ seconds: number; fromSnapshot: number }> {
  const startedAt = performance.now();
  const broker = openSqliteBroker({
    folder,
    clock: hostClock,
    ids: hostIds,
    defer: nextTurn,
    onFatal: (error) => {
      throw error;
    },
  });
  const table = new InstanceTable();
  const { log, retention, leadership } = broker;
  const { fromSnapshot, tail } = await recover({
    log,
    retention,
    table,
    fold: (events) => table.fold(events),
    trustedUpTo: null,
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  if (table.fleetSize !== INSTANCES) throw new Error(`${table.fleetSize} instances were recovered`);
  if (thenSaves) {
    const fence = await leadership.acquire("bench", 10_000);
    await new SnapshotKeeper({
      retention,
      table,
      clock: hostClock,
      fence: () => fence,
      onBug: (error) => {
        throw error;
      },
    }).save();
  }
  tail.close();
  await broker.close();
  return { seconds, fromSnapshot };
}
