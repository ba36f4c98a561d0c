/** Whether the parts of a drasi-server's configuration fit each other: what it would end its boot over. Pure. */
import type { JsonObject } from "./json.ts";

interface ReferenceFault {
  path: string;
  message: string;
}

/** Sources that the server itself has. */
const OWN = "__";

/** Ids that are used twice, and names of sources and queries that are not there. */
export function referenceFaults(configuration: JsonObject): ReferenceFault[] {
  const sources = idsOf(configuration.sources);
  const queries = idsOf(configuration.queries);
  return [
    ...twice("sources", sources),
    ...twice("queries", queries),
    ...twice("reactions", idsOf(configuration.reactions)),
    ...objectsOf(configuration.queries).flatMap((query, index) =>
      objectsOf(query.sources).flatMap(({ sourceId }, place) =>
        missing("source", sources, sourceId, `queries.${index}.sources.${place}.sourceId`)
      )
    ),
    ...objectsOf(configuration.reactions).flatMap((reaction, index) =>
      listOf(reaction.queries).flatMap((id, place) =>
        missing("query", queries, id, `reactions.${index}.queries.${place}`)
      )
    ),
  ];
}

function twice(part: string, ids: readonly unknown[]): ReferenceFault[] {
  return ids.flatMap((id, index) =>
    id !== undefined && ids.indexOf(id) < index
      ? [{ path: `${part}.${index}.id`, message: `is used twice: ${JSON.stringify(id)}` }]
      : []
  );
}

function missing(
  kind: string,
  ids: readonly unknown[],
  id: unknown,
  path: string,
): ReferenceFault[] {
  if (typeof id !== "string" || id.startsWith(OWN) || ids.includes(id)) return [];
  return [{ path, message: `there is no ${kind} ${JSON.stringify(id)}` }];
}

function idsOf(components: unknown): unknown[] {
  return objectsOf(components).map(({ id }) => id);
}

/** The objects of a list; what is of another shape is told by the schema, and keeps its place. */
function objectsOf(value: unknown): JsonObject[] {
  return listOf(value).map((item) =>
    item !== null && typeof item === "object" && !Array.isArray(item) ? item as JsonObject : {}
  );
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
