/** An event in answers and streams: what `event_view.ts` makes of each type, with the schema that the log checks it by. */
import { z } from "zod";
import { eventSchemas, type EventType } from "../../events/instance_events.ts";
import { logPosition, time } from "./values.ts";

const types = Object.keys(eventSchemas) as EventType[];

const [first, ...others] = types.map((type) =>
  z.object({
    position: logPosition,
    instanceId: z.string(),
    version: z.number().int().min(1),
    type: z.literal(type),
    at: time,
    requestedBy: z.string().optional().meta({
      description: "`anonymous`, a token's name, `restart-policy`, `worker:<id>`, …",
    }),
    correlationId: z.string().optional(),
    data: eventSchemas[type],
  }).meta({ id: `${type}Event` })
);

/** Any event. Times in `data` are epoch milliseconds. */
export const event = z.discriminatedUnion("type", [first!, ...others]).meta({ id: "Event" });

/** An event before it is in the log: what a plan holds. */
export const plannedEvent = z.object({ type: z.enum(types), data: z.looseObject({}) });

/** An example of an event. */
export const EVENT = {
  position: "12-0",
  instanceId: "inst-1b2c3d",
  version: 2,
  type: "InstanceConfigured",
  at: "2026-01-31T12:00:00.000Z",
  requestedBy: "anonymous",
  correlationId: "req-1b2c3d",
  data: { changes: { labels: { team: "sales" } } },
} as const;
