/** The parameters in the paths of routes. Their form is not checked like other input: what nothing can be called is not found. */
import { z } from "zod";
import { ID_PATTERN } from "../../events/ids.ts";

const instanceId = z.string().meta({
  description: "The instance's id, as the answer to its creation gives it.",
  pattern: ID_PATTERN.source,
  example: "inst-1b2c3d",
});

const workerId = z.string().max(200).meta({
  description: "The worker's id.",
  example: "worker-1",
});

const revision = z.string().meta({
  description: "The number of one of its configurations; the first one is 1.",
  pattern: "^\\d{1,9}$",
  example: "3",
});

/** The parameters of a path that is written with `:name`; undefined where it has none. */
export function pathParameters(path: string): z.ZodObject | undefined {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  if (names.length === 0) return undefined;
  return z.object(Object.fromEntries(names.map((name) => [name, parameter(path, name)])));
}

function parameter(path: string, name: string): z.ZodType {
  if (name === "revision") return revision;
  if (name === "id") return path.startsWith("/api/workers/") ? workerId : instanceId;
  return z.string();
}
