/** What became of a mutation, as an answer: each route says what "done" looks like, the rest is the same for all. */
import type { AskOutcome } from "../actors/system_port.ts";
import type { Position } from "../events/envelope.ts";
import type { JsonObject } from "../events/json.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { statusOf } from "../machines/status.ts";
import { etagOf, instanceView } from "./instance_view.ts";
import type { HttpContext, HttpServices } from "./options.ts";
import { problemOfFailure, problemOfRejection, problemOfUnknown } from "./problem.ts";

type Done = AskOutcome & { kind: "done" };

/**
 * The answer to a mutation.
 * @throws {Problem} when it was refused, failed, or nobody knows yet
 */
export function answer(
  context: HttpContext,
  outcome: AskOutcome,
  whenDone: (done: Done) => Response,
): Response {
  switch (outcome.kind) {
    case "done":
      return whenDone(outcome);
    case "accepted":
      return accepted(context, outcome);
    case "plan":
      return context.json({
        dryRun: true,
        changed: outcome.events.length > 0,
        events: outcome.events,
        ...(outcome.state ? shown(outcome.state) : {}),
      } as JsonObject);
    case "failed":
      throw problemOfFailure(outcome.failure, outcome.state.context.instanceId);
    case "unknown":
      throw problemOfUnknown(
        outcome.state.context.instanceId,
        outcome.commandId,
        outcome.position,
      );
    case "rejected":
      throw problemOfRejection(outcome.rejection, context.req.header("idempotency-key"));
  }
}

/** Headers of every answer about one instance: its entity tag and the log position that it is true for. */
export function instanceHeaders(state: InstanceState, position: Position): Record<string, string> {
  return { etag: etagOf(state), "draas-position": position };
}

/** For answers that stand on what this node has folded: says so where the log is away and they may be old. */
export function staleness({ system }: HttpServices): Record<string, string> {
  return system.away() === null ? {} : { "draas-stale": "true" };
}

/** The instance's own address. */
export function locationOf(state: InstanceState): string {
  return `/api/server/instances/${state.context.instanceId}`;
}

function accepted(context: HttpContext, outcome: AskOutcome & { kind: "accepted" }): Response {
  const { state, position, commandId } = outcome;
  const at = locationOf(state);
  const body: JsonObject = {
    message: `The request for instance '${state.context.instanceId}' is in the log`,
    commandId,
    position,
    hint:
      `GET ${at}/wait?status=Running waits for what it leads to; GET ${at}/why tells how it ended.`,
    ...shown(state),
  };
  return context.json(body, 202, { ...instanceHeaders(state, position), location: at });
}

/** A deleted instance has no face any more; a plan to create one has none yet. */
function shown(state: InstanceState): JsonObject {
  const isThere = state.context.specification !== null && statusOf(state) !== "Deleted";
  return isThere ? { instance: instanceView(state) } : {};
}
