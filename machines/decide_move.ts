/** What a move means: a stopped instance leaves the place that it had, and may be started on another platform. */
import { newEvent } from "../events/instance_events.ts";
import { canonicalJson } from "../events/json.ts";
import { accept, type Deciding } from "./accept.ts";
import type { InstanceState } from "./lifecycle.ts";
import { conflict, joined, unchanged } from "./request_answers.ts";
import type { Decision, InstanceRequest } from "./requests.ts";
import { allowedRequests } from "./status.ts";

/**
 * A move is one delete command for the site of the last run, and changes where the instance goes once that is done;
 * without a last run, or by force, it is done at once.
 */
export function decideMove(
  state: InstanceState,
  { to, force }: InstanceRequest & { type: "move" },
  given: Deciding,
): Decision {
  const { run, commands, queuedStart, specification, generation } = state.context;
  const inHand = commands.find((one) => one.kind === "move");
  if (inHand) {
    return !force && isEqual(inHand.to, to)
      ? joined(state, "move", inHand.commandId, given)
      : conflict(state, "A move of it is under way; a stop takes it back while no worker has it.");
  }
  if (isEqual({ ...specification, ...to }, specification)) return unchanged(state, "move", given);
  if (queuedStart) return conflict(state, "A start of it waits; stop it before it is moved.");
  if (!allowedRequests(state).includes("move")) {
    return conflict(state, "It is moved while it is stopped; stop it first, and start it after.");
  }
  const site = force ? null : run?.site ?? null;
  const event = newEvent("MoveRequested", {
    commandId: site === null ? null : given.commandId,
    generation: generation + 1,
    site,
    acceptWithinMs: given.acceptWithinMs,
    to,
    force,
  });
  return accept(state, [event], given);
}

function isEqual(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
