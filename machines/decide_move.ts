/** What a move means: a stopped instance leaves the place that it had, and may be started on another platform. */
import { newEvent } from "../events/instance_events.ts";
import { canonicalJson } from "../events/json.ts";
import { isAlready, specificationFaults } from "../events/specification.ts";
import { accept, type Deciding } from "./accept.ts";
import type { InstanceState } from "./lifecycle.ts";
import { conflict, joined, rejected, unchanged } from "./request_answers.ts";
import type { Decision, InstanceRequest } from "./requests.ts";
import { allowedRequests, moveInHand } from "./status.ts";

/** Why a request has to wait for a move that its worker has accepted. */
export const MOVE_IN_WORK =
  "It is being moved, and its worker is at it. If that worker does not come back: forget it, or delete the instance by force.";
const MOVE_WAITS = "Another move of it waits for its worker; a stop takes that back.";

/**
 * A move is one delete command for the site of the last run, and changes where the instance goes once that is done;
 * without a last run, or by force, it is done at once.
 */
export function decideMove(
  state: InstanceState,
  { to, force }: InstanceRequest & { type: "move" },
  given: Deciding,
): Decision {
  const { run, queuedStart, specification, generation, mayComeLate } = state.context;
  const inHand = moveInHand(state);
  if (inHand && !force && canonicalJson(inHand.to) === canonicalJson(to)) {
    return joined(state, "move", inHand.commandId, given);
  }
  if (inHand) return conflict(state, inHand.accepted ? MOVE_IN_WORK : MOVE_WAITS);
  if (isAlready(specification!, to)) return unchanged(state, "move", given);
  if (queuedStart) return conflict(state, "A start of it waits; stop it before it is moved.");
  if (!allowedRequests(state).includes("move")) {
    return conflict(
      state,
      "It is moved only when nothing of it runs or is under way: stop it first, and start it after.",
    );
  }
  const faults = specificationFaults(specification!, to);
  if (faults.length > 0) return rejected({ code: "invalid", faults });
  const site = force ? null : run?.site ?? null;
  const event = newEvent("MoveRequested", {
    commandId: site === null ? null : given.commandId,
    generation: generation + 1,
    site,
    acceptWithinMs: given.acceptWithinMs,
    to,
    force,
    ...(mayComeLate && site !== null ? { mayComeLate } : {}),
  });
  return accept(state, [event], given);
}
