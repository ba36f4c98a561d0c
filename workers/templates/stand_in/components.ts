/** The instances and components of a running stand-in: only their statuses, never any data. */
import type { JsonObject } from "../../../events/json.ts";
import type { InstanceConfiguration } from "./configuration_file.ts";

/** The three lists of an instance, as in the routes. */
export const COMPONENT_LISTS = ["sources", "queries", "reactions"] as const;
export type ComponentList = typeof COMPONENT_LISTS[number];

/** The internal source that every instance lists first. */
export const GRAPH_SOURCE_ID = "__component_graph__";

/** A component and where it is in its life. `errorMessage` is there in status `Error` only. */
export interface Component {
  id: string;
  status: "Added" | "Running" | "Stopped" | "Error";
  errorMessage?: string;
  /** The component as written in the file. */
  config: JsonObject;
}

/** One instance and its components, in the file's order. */
export type Instance = { id: string } & Record<ComponentList, Component[]>;

/** The outcome of a start or stop: nothing, or why not. */
export type Change = { ok: true } | { ok: false; message: string };

/** The English noun for one of a list. */
export function nounOf(list: ComponentList): "source" | "query" | "reaction" {
  return list === "queries" ? "query" : list === "sources" ? "source" : "reaction";
}

/**
 * The instance with every component in its first status, `Added`; or the boot error, when an id is
 * there twice, or a query or reaction names a source or query that is not there.
 */
export function buildInstance(
  configuration: InstanceConfiguration,
): { ok: true; instance: Instance } | { ok: false; message: string } {
  const added = (config: JsonObject): Component => ({
    id: String(config.id),
    status: "Added",
    config,
  });
  const graph = added({ kind: "component_graph", id: GRAPH_SOURCE_ID });
  const instance: Instance = {
    id: configuration.id,
    sources: [graph, ...configuration.sources.map(added)],
    queries: configuration.queries.map(added),
    reactions: configuration.reactions.map(added),
  };
  const message = graphFault(instance);
  return message === null
    ? { ok: true, instance }
    : { ok: false, message: `Failed to create DrasiLib: ${message}` };
}

/** Starts what starts by itself: sources, then queries, then reactions. Queries need `autoStart: true`. */
export function autoStart(instance: Instance, failingSources: readonly string[]): void {
  for (const list of COMPONENT_LISTS) {
    for (const component of instance[list]) {
      const isDue = list === "queries"
        ? component.config.autoStart === true
        : component.config.autoStart !== false;
      if (isDue) begin(list, component, failingSources);
    }
  }
}

/** Starts one component; starting a running or an absent one is an error, as upstream. */
export function startComponent(
  instance: Instance,
  list: ComponentList,
  id: string,
  failingSources: readonly string[],
): Change {
  const component = instance[list].find((candidate) => candidate.id === id);
  if (component === undefined) return refusal("start", list, id, "not found");
  if (component.status === "Running") return refusal("start", list, id, "already running");
  begin(list, component, failingSources);
  return component.errorMessage === undefined
    ? { ok: true }
    : refusal("start", list, id, component.errorMessage);
}

/** Stops one component; stopping an absent one, or one that doesn't run, is an error. */
export function stopComponent(instance: Instance, list: ComponentList, id: string): Change {
  const component = instance[list].find((candidate) => candidate.id === id);
  if (component === undefined) return refusal("stop", list, id, "not found");
  if (component.status !== "Running") return refusal("stop", list, id, "not running");
  component.status = "Stopped";
  return { ok: true };
}

function begin(list: ComponentList, component: Component, failingSources: readonly string[]): void {
  if (list === "sources" && failingSources.includes(component.id)) {
    component.status = "Error";
    component.errorMessage = "stand-in fault: source-error";
    return;
  }
  component.status = "Running";
}

function refusal(verb: "start" | "stop", list: ComponentList, id: string, why: string): Change {
  return { ok: false, message: `Failed to ${verb} ${nounOf(list)} '${id}': ${why}` };
}

function graphFault(instance: Instance): string | null {
  for (const list of COMPONENT_LISTS) {
    const seen = new Set<string>();
    for (const { id } of instance[list]) {
      if (seen.has(id)) return `${nounOf(list)} '${id}' already exists`;
      seen.add(id);
    }
  }
  const sources = new Set(instance.sources.map(({ id }) => id));
  for (const { config } of instance.queries) {
    const absent = ((config.sources ?? []) as JsonObject[])
      .find(({ sourceId }) => !sources.has(String(sourceId)));
    if (absent) return `source '${absent.sourceId}' does not exist in the graph`;
  }
  const queries = new Set(instance.queries.map(({ id }) => id));
  for (const { config } of instance.reactions) {
    const absent = ((config.queries ?? []) as string[]).find((id) => !queries.has(id));
    if (absent !== undefined) return `query '${absent}' does not exist in the graph`;
  }
  return null;
}
