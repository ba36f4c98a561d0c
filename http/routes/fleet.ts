/** Declarative fleets: a fleet file against the fleet, and the fleet as files. Design §6, docs/fleet.md */
import { z } from "zod";
import type { Json } from "../../events/json.ts";
import type { Parsed } from "../../events/specification.ts";
import { exportedFiles } from "../../fleet/fleet_export.ts";
import { INSTANCES_MAX, type Share, shareSchema } from "../../fleet/fleet_file.ts";
import { type FleetPlan, identityFaults, planFleet } from "../../fleet/fleet_plan.ts";
import { type FleetWish, readFleetFile } from "../../fleet/fleet_wish.ts";
import { type FleetEyes, observeFleet, originOf } from "../../fleet/observed_fleet.ts";
import { budgetsOf } from "../../fleet/rollout.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { statusOf } from "../../machines/status.ts";
import { type MutationHeaders, readMutationHeaders } from "../ask_options.ts";
import { allParts } from "../checked_input.ts";
import { beginApply } from "../fleet_apply.ts";
import { planDigest, planView } from "../fleet_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { staleness } from "../outcome.ts";
import { invalidRequest, Problem } from "../problem.ts";
import { duration, flag, position, readQuery, wholeNumber } from "../query.ts";
import { readJsonBody } from "../request_body.ts";

const PATH = "/api/fleet";
const PAGE = 500;
const PARALLEL = 8;
const RETRY_AFTER_MS = 5_000;

/** The routes of fleet files; they keep count of the applies that go on. */
export function fleetRoutes(): readonly Route[] {
  let open = 0;
  return [
    {
      method: "GET",
      path: PATH,
      summary: "the fleet as fleet files: ?fleet=<name> atLeast=<position>",
      handle: exportFleet,
    },
    {
      method: "POST",
      path: `${PATH}/diff`,
      summary: "what a fleet file would change: ?prune=true atLeast=<position>",
      handle: diff,
    },
    {
      method: "POST",
      path: `${PATH}/apply`,
      summary: "make the fleet what a fleet file says, told line by line: ?prune=true dryRun= " +
        "plan= parallel= maxUnavailable= keepGoing= timeout= atLeast=",
      async handle(context, services) {
        const { fleetAppliesMax } = services.limits;
        if (open >= fleetAppliesMax) throw tooManyApplies(fleetAppliesMax);
        open++;
        let isGoing = false;
        try {
          const answer = await apply(context, services, () => open--);
          isGoing = answer.isGoing;
          return answer.response;
        } finally {
          if (!isGoing) open--;
        }
      },
    },
  ];
}

const diffQuery = { prune: flag.optional(), atLeast: position.optional() };

const share = z.string().transform((text, issues): Share => {
  const parsed = shareSchema.safeParse(/^\d{1,9}$/.test(text) ? Number(text) : text);
  if (parsed.success) return parsed.data;
  issues.addIssue({ code: "custom", message: parsed.error.issues[0]!.message });
  return z.NEVER;
});

const applyQuery = {
  ...diffQuery,
  dryRun: flag.optional(),
  plan: z.string().regex(/^[0-9a-f]{64}$/, "must be the plan of a diff").optional(),
  parallel: wholeNumber(1, 64).optional(),
  maxUnavailable: share.optional(),
  keepGoing: flag.optional(),
  timeout: duration.optional(),
};

/** A plan, and what it stands on. */
interface Planned {
  plan: FleetPlan;
  digest: string;
  position: string;
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
    query: readQuery(context, {
      fleet: z.string().max(63).optional(),
      atLeast: position.optional(),
    }),
  });
  const at = await reached(services, query.atLeast);
  const eyes = eyesOf(services);
  const states = (await statesOf(services)).filter((state) => statusOf(state) !== "Deleting");
  const origins = await Promise.all(
    states.map(async (state) => ({ state, fleet: await originOf(eyes, state) })),
  );
  const { fleet } = query;
  const wanted = fleet === undefined ? origins : origins.filter((one) => one.fleet === fleet);
  if (wanted.length > INSTANCES_MAX) throw tooLarge(wanted.length);
  return context.json({ items: exportedFiles(wanted), position: at }, 200, {
    "draas-position": at,
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

async function makePlan(
  services: HttpServices,
  wish: FleetWish,
  { prune = false, atLeast }: { prune?: boolean | undefined; atLeast?: string | undefined },
): Promise<Planned> {
  const at = await reached(services, atLeast);
  const observed = await observeFleet(eyesOf(services), wish);
  const faults = identityFaults(wish, observed.found);
  if (faults.length > 0) throw invalidRequest(faults);
  const plan = planFleet(wish, observed, prune);
  return { plan, digest: await planDigest(plan), position: at };
}

function planned(
  context: HttpContext,
  services: HttpServices,
  { plan, digest, position: at }: Planned,
): Response {
  return context.json(planView(plan, digest, at), 200, {
    "draas-position": at,
    ...staleness(services),
  });
}

function eyesOf(services: HttpServices): FleetEyes {
  const { system, deriveId } = services;
  return { get: (id) => system.get(id), labelled: (label) => statesOf(services, label), deriveId };
}

/** Before anything is looked at: what comes later may be in it, too. */
async function reached({ system }: HttpServices, atLeast?: string): Promise<string> {
  return (await system.list({ limit: 1 }, atLeast)).position;
}

async function statesOf({ system }: HttpServices, label?: string): Promise<InstanceState[]> {
  const states: InstanceState[] = [];
  let cursor: string | null = null;
  do {
    const page = await system.list({
      limit: PAGE,
      ...(label === undefined ? {} : { label }),
      ...(cursor === null ? {} : { cursor }),
    });
    states.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return states;
}

function planChanged(digest: string): Problem {
  return new Problem("plan_changed", {
    detail: "The fleet, or the file, is not as it was when the plan was made; nothing was done.",
    hint: "POST /api/fleet/diff shows the present plan; repeat with its `plan`.",
    extra: { plan: digest },
  });
}

/** Each apply goes on for as long as its servers take: there are only so many. */
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
