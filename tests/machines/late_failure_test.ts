/** A start that ends after the stop that came later: in a rollback its end was lost, and its worker tells it again. */
import { assertEquals } from "@std/assert";
import { statusOf } from "../../machines/status.ts";
import { History, INSTANCE } from "../support/recorded.ts";

Deno.test("a start that comes to nothing after its instance was stopped leaves it stopped, and is remembered", () => {
  const { state } = new History().created()
    .startRequested("start").accepted("start")
    .stopRequested("stop").accepted("stop", "Stop").stopped("stop", null)
    .accepted("start", "Start", 2)
    .add("CommandFailed", {
      commandId: "start",
      attempt: 2,
      workerId: "w1",
      response: {
        type: "StartInstanceResponse",
        instanceId: INSTANCE,
        success: false,
        errorCode: "superseded",
        errorMessage: "A newer request came.",
        retryable: false,
      },
    });
  assertEquals([statusOf(state), state.context.failure], ["Stopped", null]);
  assertEquals(state.context.lastError?.code, "superseded");
});
