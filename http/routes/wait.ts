/** A long poll for a status: answered when it is there, or as soon as it cannot come any more. Design §6. */
import { allParts, instanceIdOf } from "../checked_input.ts";
import { untilVerdict } from "../instance_wait.ts";
import { deletionView, instanceView } from "../instance_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { instanceHeaders, staleness } from "../outcome.ts";
import { Problem } from "../problem.ts";
import {
  atLeastOneOf,
  durationUpTo,
  readQuery,
  statuses,
  VERSION_MAX,
  wholeNumber,
} from "../query.ts";

const TIMEOUT_MS_MAX = 600_000;
const RETRY_AFTER_MS = 5_000;

const waitQuery = {
  status: statuses.optional(),
  atLeastVersion: wholeNumber(1, VERSION_MAX).optional().meta({
    description: "Before this version of the instance nothing counts.",
  }),
  timeout: durationUpTo(TIMEOUT_MS_MAX, "10m").optional(),
};

/** The route of waits; it keeps count of those that are open. */
export function waitRoutes(): readonly Route[] {
  let open = 0;
  return [{
    method: "GET",
    path: "/api/server/instances/:id/wait",
    summary: "wait for a status: ?status=Running,Failed atLeastVersion= timeout=",
    docs: {
      id: "waitForInstance",
      title: "Wait for a status",
      tag: "Lifecycle",
      description: "A long poll that ends when the status is there, or as soon as it cannot come " +
        "any more. `status` or `atLeastVersion` must be given.",
      query: waitQuery,
      answers: { 200: "Waited" },
      problems: ["busy"],
    },
    async handle(context, services) {
      const { waitsMax } = services.limits;
      if (open >= waitsMax) throw tooManyWaits(waitsMax);
      open++;
      try {
        return await wait(context, services);
      } finally {
        open--;
      }
    },
  }];
}

/** Every wait is a subscription: there are only so many. */
function tooManyWaits(waitsMax: number): Problem {
  return new Problem("busy", {
    detail: `${waitsMax} requests wait for a status, as many as there may be.`,
    hint: "Wait for fewer at once, or repeat it after the time in Retry-After.",
    retryAfterMs: RETRY_AFTER_MS,
  });
}

async function wait(context: HttpContext, services: HttpServices): Promise<Response> {
  const instanceId = instanceIdOf(context);
  const { query } = allParts({
    query: readQuery(context, waitQuery),
    something: atLeastOneOf(context, "status", "atLeastVersion"),
  });
  const { status = [], atLeastVersion = 0, timeout = services.defaultTimeoutMs } = query;
  const { system, clock, closing } = services;
  const { outcome, reason, state } = await untilVerdict({
    system,
    clock,
    instanceId,
    wanted: { statuses: status, atLeastVersion },
    timeoutMs: Math.min(timeout, TIMEOUT_MS_MAX),
    client: context.req.raw.signal,
    ...(closing ? { closing } : {}),
  });
  const { position } = state.context;
  const instance = {
    ...instanceView(state, (workerId) => system.isSilent(workerId)),
    ...deletionView(state),
  };
  return context.json({ outcome, reason, instance, position }, 200, {
    ...instanceHeaders(state, position),
    ...staleness(services),
  });
}
