/** The workers, as the bus knows them. */
import type { WorkerRecord } from "../../events/command_bus.ts";
import type { JsonObject } from "../../events/json.ts";
import { allParts } from "../checked_input.ts";
import { isoTime } from "../iso_time.ts";
import type { Route } from "../options.ts";
import { readQuery } from "../query.ts";

/** The routes of workers. */
export const workerRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/api/workers",
    summary: "every worker that has registered and was not forgotten",
    async handle(context, { system }) {
      allParts({ query: readQuery(context, {}) });
      return context.json({ items: (await system.workers()).map(workerView) });
    },
  },
];

function workerView(
  { workerId, registeredAt, lastHeartbeatAt, ...rest }: WorkerRecord,
): JsonObject {
  return {
    id: workerId,
    ...rest,
    registeredAt: isoTime(registeredAt),
    lastHeartbeatAt: isoTime(lastHeartbeatAt),
  };
}
