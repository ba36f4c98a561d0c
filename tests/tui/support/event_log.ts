/** Events of the fleet as the API tells them. */
import type { EventAnswer } from "../../../http/client/answers.ts";
import type { Action } from "../../../tui/model/action.ts";
import { agoText } from "./fleet_models.ts";

/** The `number`-th event of the log, so many seconds before noon as it is from the hundredth. */
export function eventOf(number: number, fields: Partial<EventAnswer> = {}): EventAnswer {
  return {
    position: `${number}-0`,
    instanceId: "web",
    version: number,
    type: "CommandAccepted",
    at: agoText((100 - number) * 1_000),
    data: {
      commandId: "c",
      commandType: "StartInstanceCommand",
      attempt: 1,
      workerId: "w1",
      incarnation: "i",
      site: "w1",
    },
    ...fields,
  };
}

/** Someone asked to stop it. */
export function stopOf(number: number, fields: Partial<EventAnswer> = {}): EventAnswer {
  return eventOf(number, {
    type: "StopRequested",
    requestedBy: "eva",
    data: { commandId: "c", generation: 1, site: null, acceptWithinMs: 1_000 },
    ...fields,
  });
}

export function told(...events: EventAnswer[]): Action {
  return { type: "events", events };
}
