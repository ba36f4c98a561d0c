/** The stand-in's HTTP surface as a function: a request and the instances in, an answer out. */
import {
  type Component,
  COMPONENT_LISTS,
  type ComponentList,
  type Instance,
  nounOf,
  startComponent,
  stopComponent,
} from "./components.ts";

/** What the routes answer from. */
export interface ApiState {
  /** Never empty; the first is the one that the short routes mean. */
  instances: readonly Instance[];
  /** True when the configuration file can't be written: then components can't be created or removed. */
  isReadOnly: boolean;
  /** Sources that go to `Error` whenever they start. */
  failingSources: readonly string[];
  nowMs: () => number;
}

/** An answer before it is bytes: a JSON body, or plain text where upstream has no JSON. */
export type Answer =
  | { status: number; body: unknown }
  | { status: number; text: string };

const PREFIX = "/api/v1";

/** Routes that show data, or change more than a status: refused, since there is nothing behind them. */
const REFUSED_ACTIONS = ["results", "attach", "push", "events", "logs"];

/** Answers one request. `path` is as sent, still percent-encoded. */
export function answer(
  state: ApiState,
  request: { method: string; path: string; query: URLSearchParams },
): Answer {
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (request.path === "/health") return method === "GET" ? health(state) : wrongMethod();
  if (request.path === "/api/versions") {
    return method === "GET"
      ? { status: 200, body: { versions: ["v1"], current: "v1" } }
      : wrongMethod();
  }
  if (!request.path.startsWith(`${PREFIX}/`)) return absent();
  const parts = decodedParts(request.path.slice(PREFIX.length + 1));
  if (parts === null) return absent();
  const isFull = request.query.get("view") === "full";
  const [first, ...rest] = parts;
  if (first === "instances") return instances(state, method, rest, isFull);
  if (first === "plugins" || first === "catalog") return unsupported();
  // The short routes: the same on the first instance.
  return scoped(state, method, state.instances[0]!, parts, isFull);
}

function health(state: ApiState): Answer {
  const timestamp = new Date(state.nowMs()).toISOString();
  return { status: 200, body: { status: "ok", timestamp, standIn: true } };
}

function instances(state: ApiState, method: string, parts: string[], isFull: boolean): Answer {
  const [id, ...rest] = parts;
  if (id === undefined) {
    if (method === "GET") return success(state.instances.map(instanceItem));
    return method === "POST" ? mutation(state, "create instances") : wrongMethod();
  }
  if (rest.length === 0) return absent();
  const instance = state.instances.find((candidate) => candidate.id === id);
  if (instance !== undefined) return scoped(state, method, instance, rest, isFull);
  // Upstream answers lists and snapshots in plain text here, and every other route in JSON.
  const isList = rest.length === 1 && method === "GET" &&
    [...COMPONENT_LISTS, "snapshot"].some((name) => name === rest[0]);
  return isList
    ? { status: 404, text: `Instance '${id}' not found` }
    : failure(500, "INTERNAL_ERROR", "Instance not found");
}

/** The routes below one instance: `{list}`, `{list}/{id}`, `{list}/{id}/{action}` and what is refused. */
function scoped(
  state: ApiState,
  method: string,
  instance: Instance,
  parts: string[],
  isFull: boolean,
): Answer {
  const [name, id, action] = parts;
  if (["snapshot", "events", "clone", "solutions", "catalog"].includes(name ?? "")) {
    return unsupported();
  }
  const list = COMPONENT_LISTS.find((candidate) => candidate === name);
  if (list === undefined) return absent();
  if (id === undefined) {
    if (method === "GET") {
      return success(instance[list].map((component) => item(instance, list, component, false)));
    }
    return method === "POST" ? mutation(state, `create ${list}`) : wrongMethod();
  }
  if (action === undefined) return one(state, method, instance, list, id, isFull);
  if (REFUSED_ACTIONS.includes(action)) return unsupported();
  if ((action !== "start" && action !== "stop") || parts.length > 3) return absent();
  return method === "POST" ? change(state, instance, list, id, action) : wrongMethod();
}

function one(
  state: ApiState,
  method: string,
  instance: Instance,
  list: ComponentList,
  id: string,
  isFull: boolean,
): Answer {
  if (method === "DELETE") return mutation(state, `delete ${list}`);
  if (method === "PUT" && list !== "queries") return mutation(state, `create or update ${list}`);
  if (method !== "GET") return wrongMethod();
  const component = instance[list].find((candidate) => candidate.id === id);
  if (component !== undefined) return success(item(instance, list, component, isFull));
  const noun = nounOf(list);
  return failure(404, `${noun.toUpperCase()}_NOT_FOUND`, `${noun} '${id}' not found`);
}

function change(
  state: ApiState,
  instance: Instance,
  list: ComponentList,
  id: string,
  action: "start" | "stop",
): Answer {
  const outcome = action === "start"
    ? startComponent(instance, list, id, state.failingSources)
    : stopComponent(instance, list, id);
  if (!outcome.ok) return failure(500, "INTERNAL_ERROR", outcome.message);
  const noun = nounOf(list);
  const past = action === "start" ? "started" : "stopped";
  return success({ message: `${noun[0]!.toUpperCase()}${noun.slice(1)} ${past} successfully` });
}

/** Creating and deleting: 409 on a read-only file as upstream, otherwise refused. */
function mutation(state: ApiState, what: string): Answer {
  return state.isReadOnly
    ? failure(409, "CONFIG_READ_ONLY", `Server is in read-only mode. Cannot ${what}.`)
    : unsupported();
}

function instanceItem(instance: Instance): unknown {
  const self = `${PREFIX}/instances/${instance.id}`;
  return {
    id: instance.id,
    source_count: instance.sources.length,
    query_count: instance.queries.length,
    reaction_count: instance.reactions.length,
    links: {
      self,
      sources: `${self}/sources`,
      queries: `${self}/queries`,
      reactions: `${self}/reactions`,
    },
  };
}

function item(
  instance: Instance,
  list: ComponentList,
  component: Component,
  isFull: boolean,
): unknown {
  const self = `${PREFIX}/instances/${instance.id}/${list}/${component.id}`;
  return {
    id: component.id,
    status: component.status,
    ...(component.errorMessage === undefined ? {} : { error_message: component.errorMessage }),
    links: { self, full: `${self}?view=full` },
    ...(isFull ? { config: component.config } : {}),
  };
}

function success(data: unknown): Answer {
  return { status: 200, body: { success: true, data, error: null } };
}

function failure(status: number, code: string, message: string): Answer {
  return { status, body: { code, message } };
}

function unsupported(): Answer {
  return failure(
    501,
    "STAND_IN_UNSUPPORTED",
    "This is a stand-in for drasi-server: it has no plugins, no queries and no data",
  );
}

function wrongMethod(): Answer {
  return { status: 405, text: "" };
}

function absent(): Answer {
  return { status: 404, text: "" };
}

/** Null for a path whose percent-encoding is broken. */
function decodedParts(path: string): string[] | null {
  try {
    return path.split("/").map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
