/** A start that ends after the stop that came later: in a rollback its end was lost, and its worker tells it again. */
import { assertEquals } from "@std/assert";
import type { RecordedEvent } from "../../events/envelope.ts";
import { evolve, initialState } from "../../machines/evolve.ts";
import { statusOf } from "../../machines/status.ts";

let version = 0;

function event(type: string, data: object): RecordedEvent {
  version++;
  const place = { position: `${version}-0`, previous: null, instanceId: "i-1", version };
  return { ...place, type, schema: 1, at: version, data, meta: {} } as unknown as RecordedEvent;
}

const accepted = (commandId: string, commandType: string, attempt: number) =>
  event("CommandAccepted", {
    commandId,
    commandType,
    attempt,
    workerId: "w1",
    incarnation: `life-${attempt}`,
    site: "s-1",
  });

Deno.test("a start that comes to nothing after its instance was stopped leaves it stopped, and is remembered", () => {
  const asked = { acceptWithinMs: 1_000, site: null };
  const overtaken = { errorCode: "superseded", errorMessage: "A newer request came." };
  const state = [
    event("StartRequested", {
      ...asked,
      commandId: "start",
      generation: 1,
      configurationRevision: 1,
      cause: "user",
    }),
    accepted("start", "StartInstanceCommand", 1),
    event("StopRequested", { ...asked, commandId: "stop", generation: 2 }),
    accepted("stop", "StopInstanceCommand", 1),
    event("CommandSucceeded", {
      commandId: "stop",
      attempt: 1,
      workerId: "w1",
      response: { type: "StopInstanceResponse", instanceId: "i-1", success: true },
    }),
    accepted("start", "StartInstanceCommand", 2),
    event("CommandFailed", {
      commandId: "start",
      attempt: 2,
      workerId: "w1",
      response: {
        type: "StartInstanceResponse",
        instanceId: "i-1",
        success: false,
        ...overtaken,
        retryable: false,
      },
    }),
  ].reduce(evolve, initialState("i-1"));
  assertEquals([statusOf(state), state.context.failure], ["Stopped", null]);
  assertEquals(state.context.lastError?.code, "superseded");
});
