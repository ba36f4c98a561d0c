/** Declarative fleets: a fleet file against the fleet, and the fleet as files. Design §6, docs/fleet.md */
import { z } from "zod";
import type { Json } from "../../events/json.ts";
import type { Parsed } from "../../events/specification.ts";
import { exportedFiles } from "../../fleet/fleet_export.ts";
import { fleetFileSchema, INSTANCES_MAX, type Share, shareSchema } from "../../fleet/fleet_file.ts";
import { readFleetFile } from "../../fleet/fleet_wish.ts";
import { originOf } from "../../fleet/observed_fleet.ts";
import { budgetsOf } from "../../fleet/rollout.ts";
import { statusOf } from "../../machines/status.ts";
import { type MutationHeaders, readMutationHeaders } from "../ask_options.ts";
import { allParts } from "../checked_input.ts";
import { beginApply } from "../fleet_apply.ts";
import { eyesOf, makePlan, type Planned, reached, statesOf } from "../fleet_planning.ts";
import { planView } from "../fleet_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { staleness } from "../outcome.ts";
import { Problem } from "../problem.ts";
import { duration, flag, readingQuery, readQuery, wholeNumber } from "../query.ts";
import { readJsonBody } from "../request_body.ts";
import type { DocumentedBody } from "../route_docs.ts";

const PATH = "/api/fleet";
const PARALLEL = 8;
const RETRY_AFTER_MS = 5_000;

const exportQuery = {
  fleet: z.string().max(63, "must have at most 63 characters").optional().meta({
    description: "Of this fleet alone.",
  }),
  ...readingQuery,
};

const diffQuery = {
  prune: flag.optional().meta({
    description: "Deletes what the fleet's files have made and do not name any more.",
  }),
  ...readingQuery,
};

const share = z.string().transform((text, issues): Share => {
  const parsed = shareSchema.safeParse(/^\d{1,9}$/.test(text) ? Number(text) : text);
  if (parsed.success) return parsed.data;
  issues.addIssue({ code: "custom", message: parsed.error.issues[0]!.message });
  return z.NEVER;
});

const applyQuery = {
  ...diffQuery,
  dryRun: flag.optional().meta({ description: "Answers with the plan, and does nothing." }),
  plan: z.string().regex(/^[0-9a-f]{64}$/, "must be the plan of a diff").optional().meta({
    description: "The `plan` of a diff: nothing is done where it is another one by now.",
  }),
  parallel: wholeNumber(1, 64).optional().meta({
    description: `How many instances are in work at once; ${PARALLEL} when left out.`,
  }),
  maxUnavailable: share.optional().meta({
    description: "How many of the fleet may be down at once: a number, or a share such as `25%`. " +
      "As the file says, or 1, when left out.",
  }),
  keepGoing: flag.optional().meta({ description: "Goes on after a failure." }),
  timeout: duration.optional().meta({
    description:
      "How long each step may take; as long as commands wait for a worker when left out.",
  }),
};

const FILE: DocumentedBody = {
  schema: fleetFileSchema,
  isRequired: true,
  examples: {
    "twenty servers": {
      fleet: "shop",
      instances: {
        web: {
          template: "command",
          serverConfiguration: { command: ["node", "server.js"] },
          count: 20,
        },
      },
    },
  },
};

/** The routes of fleet files; they keep count of the applies that go on. */
export function fleetRoutes(): readonly Route[] {
  const applies = { open: 0 };
  return [
    {
      method: "GET",
      path: PATH,
      summary: "the fleet as fleet files: ?fleet=<name> atLeast=<position>",
      docs: {
        id: "exportFleet",
        title: "The fleet as fleet files",
        tag: "Fleets",
        description: "One file a fleet, and one of what no fleet's file has made, by ids. " +
          "Applied again they change nothing.",
        query: exportQuery,
        answers: { 200: "FleetFiles" },
        problems: ["batch_too_large"],
      },
      handle: exportFleet,
    },
    {
      method: "POST",
      path: `${PATH}/diff`,
      // It reads, with a body.
      role: "viewer",
      summary: "what a fleet file would change: ?prune=true atLeast=<position>",
      docs: {
        id: "diffFleet",
        title: "What a fleet file would change",
        tag: "Fleets",
        description: "Nothing is done.",
        query: diffQuery,
        body: FILE,
        answers: { 200: "FleetPlan" },
      },
      handle: diff,
    },
    {
      method: "POST",
      path: `${PATH}/apply`,
      summary: "make the fleet what a fleet file says, told line by line: ?prune=true dryRun= " +
        "plan= parallel= maxUnavailable= keepGoing= timeout= atLeast=",
      docs: {
        id: "applyFleet",
        title: "Make the fleet what a fleet file says",
        tag: "Fleets",
        description:
          "Answers with 200 once it has begun, and tells how it goes line by line; the " +
          "last line says how it ended. Who closes the connection ends it: nothing more is begun, " +
          "what was begun goes on, and the same again does the rest.",
        query: applyQuery,
        headers: ["Idempotency-Key"],
        body: FILE,
        answers: { 200: "FleetApplied" },
        problems: ["plan_changed"],
      },
      handle: (context, services) => applyWithinBounds(context, services, applies),
    },
  ];
}

/** Each apply goes on for as long as its servers take: there are only so many. */
async function applyWithinBounds(
  context: HttpContext,
  services: HttpServices,
  applies: { open: number },
): Promise<Response> {
  const { fleetAppliesMax } = services.limits;
  if (applies.open >= fleetAppliesMax) throw tooManyApplies(fleetAppliesMax);
  applies.open++;
  let isGoing = false;
  try {
    const answer = await apply(context, services, () => applies.open--);
    isGoing = answer.isGoing;
    return answer.response;
  } finally {
    if (!isGoing) applies.open--;
  }
}

async function diff(context: HttpContext, services: HttpServices): Promise<Response> {
  const body = await readFleetBody(context, services);
  const { query, wish } = allParts({
    query: readQuery(context, diffQuery),
    wish: readFleetFile(body),
  });
  return planned(context, services, await makePlan(services, wish, query));
}

async function apply(
  context: HttpContext,
  services: HttpServices,
  onEnd: () => void,
): Promise<{ response: Response; isGoing: boolean }> {
  const body = await readFleetBody(context, services);
  const { query, headers, wish } = allParts({
    query: readQuery(context, applyQuery),
    headers: readHeaders(context),
    wish: readFleetFile(body),
  });
  const made = await makePlan(services, wish, query);
  const { plan, digest } = made;
  if (query.plan !== undefined && query.plan !== digest) throw planChanged(digest);
  if (query.dryRun) return { response: planned(context, services, made), isGoing: false };
  const response = beginApply(context, services, {
    plan,
    digest,
    rules: {
      parallel: query.parallel ?? PARALLEL,
      keepGoing: query.keepGoing ?? false,
      budgets: budgetsOf(plan.items, wish, query.maxUnavailable),
      patienceMs: services.defaultTimeoutMs,
    },
    timeoutMs: query.timeout ?? services.queueTimeoutMs,
    idempotencyKey: headers.idempotencyKey,
    onEnd,
  });
  return { response, isGoing: true };
}

async function exportFleet(context: HttpContext, services: HttpServices): Promise<Response> {
  const { query } = allParts({
    query: readQuery(context, exportQuery),
  });
  const position = await reached(services, query.atLeast);
  const eyes = eyesOf(services);
  const states = (await statesOf(services)).filter((state) => statusOf(state) !== "Deleting");
  const origins = await Promise.all(
    states.map(async (state) => ({ state, fleet: await originOf(eyes, state) })),
  );
  const { fleet } = query;
  const wanted = fleet === undefined ? origins : origins.filter((one) => one.fleet === fleet);
  if (wanted.length > INSTANCES_MAX) throw tooLarge(wanted.length);
  return context.json({ items: exportedFiles(wanted), position }, 200, {
    "draas-position": position,
    ...staleness(services),
  });
}

function readFleetBody(context: HttpContext, services: HttpServices): Promise<Json | undefined> {
  const { limits } = services;
  const { fleetBytesMax: bodyBytesMax } = limits;
  return readJsonBody(context, { ...services, limits: { ...limits, bodyBytesMax } });
}

/** Of one instance's version nothing can be said here. */
function readHeaders(context: HttpContext): Parsed<MutationHeaders> {
  const headers = readMutationHeaders(context);
  if (!headers.ok || headers.value.ifMatch === undefined) return headers;
  const message = "is for one instance; ?plan= says here which plan is meant";
  return { ok: false, faults: [{ path: "If-Match", message }] };
}

function planned(
  context: HttpContext,
  services: HttpServices,
  { plan, digest, position }: Planned,
): Response {
  return context.json(planView(plan, digest, position), 200, {
    "draas-position": position,
    ...staleness(services),
  });
}

function planChanged(digest: string): Problem {
  return new Problem("plan_changed", {
    detail: "The fleet, or the file, is not as it was when the plan was made; nothing was done.",
    hint: "POST /api/fleet/diff shows the present plan; repeat with its `plan`.",
    extra: { plan: digest },
  });
}

function tooManyApplies(fleetAppliesMax: number): Problem {
  return new Problem("busy", {
    detail: `${fleetAppliesMax} applies of fleet files go on, as many as there may be.`,
    hint: "Wait for one to end, or repeat it after the time in Retry-After.",
    retryAfterMs: RETRY_AFTER_MS,
  });
}

function tooLarge(count: number): Problem {
  return new Problem("batch_too_large", {
    detail: `These are ${count} instances, and a fleet file has at most ${INSTANCES_MAX}.`,
    hint: "Ask for one fleet with ?fleet=, or page through GET /api/server/instances.",
  });
}
