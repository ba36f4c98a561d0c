/** Start, stop and restart: one call, the worker's answer. `phase-2.5.md`, scenarios 1 to 4. */
import type { Parsed } from "../../events/specification.ts";
import type { Json } from "../../events/json.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { askOptions, expectNoBody, readMutationHeaders, waitingQuery } from "../ask_options.ts";
import { allParts, instanceIdOf } from "../checked_input.ts";
import { readOverride, serverConfiguration } from "../instance_input.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { answer, instanceHeaders } from "../outcome.ts";
import { readQuery } from "../query.ts";
import { readJsonBody } from "../request_body.ts";
import { MUTATION_HEADERS, type RouteDocs } from "../route_docs.ts";
import { answeredRuntimeInfo } from "../runtime_view.ts";

const PATH = "/api/server/instances/:id";

/** What all three have in common. */
const shared = {
  tag: "Lifecycle",
  query: waitingQuery,
  headers: MUTATION_HEADERS,
  answers: { 200: "LifecycleAnswer", 202: "Accepted" },
  problems: ["deleted", "conflict"],
} as const satisfies Partial<RouteDocs>;

/** The routes of the lifecycle. */
export const lifecycleRoutes: readonly Route[] = [
  {
    method: "POST",
    path: `${PATH}/start`,
    summary: "start it; a body overrides serverConfiguration for this start",
    docs: {
      ...shared,
      id: "startInstance",
      title: "Start an instance",
      description: "Answers when its server is ready. A body takes the place of its " +
        "`serverConfiguration` for this start; what is in it is the worker's to judge.",
      body: {
        schema: serverConfiguration,
        isRequired: false,
        examples: { anotherPort: { host: "127.0.0.1", port: 9090 } },
      },
    },
    async handle(context, services) {
      const body = await readJsonBody(context, services);
      return await send(context, services, overriding(body), body ?? null, {
        verb: "started",
        status: "Running",
      });
    },
  },
  {
    method: "POST",
    path: `${PATH}/stop`,
    summary: "stop it",
    docs: {
      ...shared,
      id: "stopInstance",
      title: "Stop an instance",
      description: "Answers when its server has ended.",
    },
    async handle(context, services) {
      expectNoBody(await readJsonBody(context, services));
      return await send(context, services, asked({ type: "stop" }), null, {
        verb: "stopped",
        status: "Stopped",
      });
    },
  },
  {
    method: "POST",
    path: `${PATH}/restart`,
    summary: "stop it and start it with the configured serverConfiguration",
    docs: { ...shared, id: "restartInstance", title: "Restart an instance" },
    async handle(context, services) {
      expectNoBody(await readJsonBody(context, services));
      return await send(context, services, asked({ type: "restart" }), null, {
        verb: "restarted",
        status: "Running",
      });
    },
  },
];

/** A start with its body. */
function overriding(body: Json | undefined): Parsed<InstanceRequest> {
  if (body === undefined) return asked({ type: "start" });
  const parsed = readOverride(body);
  if (!parsed.ok) return parsed;
  // Many clients send `{}` where they mean nothing; an empty override overrides nothing.
  return Object.keys(parsed.value).length === 0
    ? asked({ type: "start" })
    : asked({ type: "start", configuration: parsed.value });
}

function asked(request: InstanceRequest): Parsed<InstanceRequest> {
  return { ok: true, value: request };
}

async function send(
  context: HttpContext,
  services: HttpServices,
  request: Parsed<InstanceRequest>,
  body: Json,
  said: { verb: string; status: RuntimeInfo["status"] },
): Promise<Response> {
  const instanceId = instanceIdOf(context);
  const input = allParts({
    query: readQuery(context, waitingQuery),
    headers: readMutationHeaders(context),
    request,
  });
  const options = await askOptions(context, services, input.query, input.headers, {
    body,
    query: {},
  });
  const outcome = await services.system.ask(instanceId, input.request, options);
  return answer(context, outcome, ({ state, event, changed, position }) => {
    const message = `Instance '${instanceId}' ${said.verb} successfully`;
    const runtimeInfo = answeredRuntimeInfo(state, event, said.status);
    return context.json(
      { message, runtimeInfo, changed, position },
      200,
      instanceHeaders(state, position),
    );
  });
}
