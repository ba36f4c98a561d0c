/** Changes of a configuration that depend on what it is: made of one version, and asked for on exactly that one. */
import type { AskOptions, AskOutcome } from "../actors/system_port.ts";
import type { Json, JsonObject } from "../events/json.ts";
import type { Parsed } from "../events/specification.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import { askOptions, dryRunQuery, readMutationHeaders } from "./ask_options.ts";
import { allParts, instanceIdOf } from "./checked_input.ts";
import { configurationView } from "./configuration_view.ts";
import { readConfiguration } from "./instance_input.ts";
import type { HttpContext, HttpServices } from "./options.ts";
import { answer, instanceHeaders } from "./outcome.ts";
import { invalidRequest } from "./problem.ts";
import { readQuery } from "./query.ts";
import { readJsonBody } from "./request_body.ts";

/** What a request wants of a configuration, and how its answer shows what came of it. */
export interface ConfigurationRequest<Wish> {
  /** All faults of the body that can be told without the instance. */
  read(body: Json | undefined): Parsed<Wish>;
  /**
   * The next configuration of an instance that is as `state` says.
   * @throws {Problem} when there is none; the instance is as the log has it then
   */
  next(wish: Wish, state: InstanceState): JsonObject | Promise<JsonObject>;
  view?(state: InstanceState): JsonObject;
  /** See `readJsonBody`. */
  otherType?: string;
}

/** How often a change is made anew of a later version, before its client is asked to come again. */
const TRIES_MAX = 8;
const BUSY_RETRY_MS = 1_000;
/** Planned, it brings the instance up to what the log has, and finds the answer to a request that is repeated. */
const NO_CHANGE: InstanceRequest = { type: "configure", changes: {}, ifDifferent: true };

/** A mutation from its body to its answer. */
export async function requestConfiguration<Wish>(
  context: HttpContext,
  services: HttpServices,
  { read, next, view = configurationView, otherType }: ConfigurationRequest<Wish>,
): Promise<Response> {
  const body = await readJsonBody(context, services, otherType);
  const instanceId = instanceIdOf(context);
  const { query, headers, wish } = allParts({
    query: readQuery(context, dryRunQuery),
    headers: readMutationHeaders(context),
    wish: read(body),
  });
  const options = await askOptions(context, services, query, headers, {
    body: body ?? null,
    query: {},
  });
  const outcome = await changeConfiguration(
    services,
    instanceId,
    options,
    (state) => next(wish, state),
  );
  return answer(
    context,
    outcome,
    ({ state, changed, position }) =>
      context.json({ ...view(state), changed, position }, 200, instanceHeaders(state, position)),
  );
}

/**
 * The configuration that a client gave, or made by a patch, for an instance that is as `state` says.
 * @throws {Problem} 400 `invalid` with every fault
 */
export function checkedConfiguration(given: Json | undefined, state: InstanceState): JsonObject {
  const parsed = readConfiguration(given, state.context.specification?.template ?? "drasi-server");
  if (!parsed.ok) throw invalidRequest(parsed.faults);
  return parsed.value;
}

/**
 * Makes the next configuration of the present one, anew for as long as another request comes between the two. With an
 * `If-Match` it is made of that version only.
 */
async function changeConfiguration(
  { system }: HttpServices,
  instanceId: string,
  options: AskOptions,
  next: (state: InstanceState) => JsonObject | Promise<JsonObject>,
): Promise<AskOutcome> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const look = () => system.ask(instanceId, NO_CHANGE, { ...options, dryRun: true });
    const read = await look();
    if (read.kind !== "plan" || read.state === null) {
      // The same request may have been stored between the look for its key and the look at the instance.
      return read.kind === "rejected" && options.idempotency ? await look() : read;
    }
    let configuration: JsonObject;
    try {
      configuration = await next(read.state);
    } catch (error) {
      const again = options.idempotency ? await look() : read;
      if (again.kind === "plan" || again.kind === "rejected") throw error;
      return again;
    }
    const { specificationVersion } = read.state.context;
    const outcome = await system.ask(
      instanceId,
      { type: "configure", changes: { configuration }, ifDifferent: true },
      { ...options, ifMatch: options.ifMatch ?? specificationVersion },
    );
    const isOvertaken = outcome.kind === "rejected" && outcome.rejection.code === "stale_version";
    if (!isOvertaken || options.ifMatch !== undefined) return outcome;
  }
  return {
    kind: "rejected",
    rejection: { code: "busy", retryAfterMs: BUSY_RETRY_MS },
    state: null,
  };
}
