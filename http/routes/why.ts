/** Why an instance is what it is: the chain of requests, commands, answers and decisions, in plain words. Design §6. */
import type { InstanceSystem } from "../../actors/system_port.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import type { EventPlace } from "../../events/event_log.ts";
import type { JsonObject } from "../../events/json.ts";
import { explain, type ExplainedStep, reachesBack } from "../../machines/explain.ts";
import type { ExpectedStep } from "../../machines/explain_next.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { allParts, instanceIdOf } from "../checked_input.ts";
import { isoTime } from "../iso_time.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { instanceHeaders, staleness } from "../outcome.ts";
import { instanceNotFound } from "../problem.ts";
import { readingQuery, readQuery } from "../query.ts";

/** The route of explanations. */
export const whyRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/api/server/instances/:id/why",
    summary: "why it is what it is, deleted or not, and what comes next: ?atLeast=<position>",
    docs: {
      id: "explainInstance",
      title: "Explain what an instance is",
      tag: "History",
      description: "The chain from who asked for it to what became of it, and what is owed next.",
      query: readingQuery,
      answers: { 200: "Explanation" },
    },
    handle: why,
  },
];

const PAGE = 256;
/** Whoever was asked for longer ago than so many events is told of by a gap. */
const PAGES_MAX = 8;

async function why(context: HttpContext, services: HttpServices): Promise<Response> {
  const instanceId = instanceIdOf(context);
  const { query } = allParts({ query: readQuery(context, readingQuery) });
  const { system } = services;
  const state = await system.get(instanceId, query.atLeast);
  if (!state?.context.specification) throw instanceNotFound(instanceId);
  const { steps, next, ...told } = explain(state, await eventsBehind(state, system));
  const { version, position: at } = state.context;
  return context.json(
    {
      id: instanceId,
      ...told,
      version,
      steps: steps.map(stepView),
      next: next.map(expectedView),
      position: at,
    },
    200,
    { ...instanceHeaders(state, at), ...staleness(services) },
  );
}

/** The events that led to `state`, back to the request that began it all. */
async function eventsBehind(
  state: InstanceState,
  system: InstanceSystem,
): Promise<RecordedEvent[]> {
  const { instanceId, version } = state.context;
  const events: RecordedEvent[] = [];
  let before: number | EventPlace = version + 1;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page: RecordedEvent[] = await system.history(instanceId, PAGE, before);
    events.unshift(...page);
    if (page.length < PAGE || reachesBack(state, events)) break;
    before = page[0]!;
  }
  return events;
}

function stepView({ at, ...step }: ExplainedStep): JsonObject {
  return { at: isoTime(at), ...step };
}

function expectedView({ at, ...step }: ExpectedStep): JsonObject {
  return { ...(at === null ? {} : { at: isoTime(at) }), ...step };
}
