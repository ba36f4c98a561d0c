/** Waits for the fleet to come to rest when no fault is left, and holds the log against all that can be seen of it. */
import type { RedisBroker } from "../../../adapters/redis/redis_broker.ts";
import { type History, inHandFaults } from "../../history/history_checker.ts";
import { disagreeing, serversOf } from "../inspection.ts";
import type { ChaosFleet } from "./chaos_fleet.ts";
import type { FollowedLog } from "./followed_log.ts";

/** Longer than the lease of an instance that moves, its replacement's start, and the worker's new life. */
const REST_WITHIN_MS = 45_000;
const LOOK_EVERY_MS = 100;

/**
 * Waits until all nodes are ready, each instance was seen to be what the log and both nodes say of it, and the commands
 * in hand are those that the log has open. Gives what cannot be, or what never came to rest.
 */
export function comeToRest(
  fleet: ChaosFleet,
  log: FollowedLog,
  stopping: AbortSignal,
): Promise<string[]> {
  const agreed = new Set<string>();
  const end = performance.now() + REST_WITHIN_MS;
  return fleet.withBroker(async (broker) => {
    let isHandInOrder = false;
    for (;;) {
      const look = await lookAt(fleet, log, broker, agreed);
      if (look.faults.length > 0) return look.faults;
      isHandInOrder ||= look.inHand.length === 0;
      const open = [...look.disagreements, ...(isHandInOrder ? [] : look.inHand)];
      if (open.length === 0 || stopping.aborted) return [];
      if (performance.now() > end) return open.map((one) => `not at rest in time: ${one}`);
      await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
    }
  });
}

/** Where a delete was done: at the site that had the instance last. Sites that had it before are told of nothing. */
function removedFolders(fleet: ChaosFleet, history: History, instanceId: string): string[] {
  const accept = history.histories.get(instanceId)?.map(({ event }) => event)
    .findLast((event) => event.type === "CommandAccepted");
  if (accept?.data.commandType !== "DeleteInstanceCommand") return [];
  const folder = fleet.instanceFolderAt(accept.data.site);
  return folder === null ? [] : [`${folder}/${instanceId}`];
}

interface Look {
  /** What can never be. */
  faults: string[];
  /** What may be so for a while. */
  disagreements: string[];
  inHand: string[];
}

async function lookAt(
  fleet: ChaosFleet,
  log: FollowedLog,
  broker: RedisBroker,
  agreed: Set<string>,
): Promise<Look> {
  const none = { faults: fleet.faults(), inHand: ["the log moved on"] };
  if (!await fleet.isReady()) return { ...none, disagreements: ["a node is not ready"] };
  const listings = await fleet.listings();
  if (listings === null) return { ...none, disagreements: ["a node does not list the fleet"] };
  const servers = serversOf(...fleet.sites());
  const { faults, inHand } = await log.follow(broker);
  const { history } = log;
  const foldersOf = (id: string) => removedFolders(fleet, history, id);
  const seen = { history, listings, servers, foldersOf };
  return {
    faults: [...fleet.faults(), ...faults],
    disagreements: disagreeing(seen, agreed),
    inHand: inHand === null ? none.inHand : inHandFaults(history, inHand),
  };
}
