/** Reads what drasi-server says of its sources, queries and reactions. Operator's reference of drasi-server 0.2.x, §6. */
import { reasonOf } from "../events/errors.ts";
import { type ComponentProblem, COMPONENTS_MAX } from "../events/health.ts";
import type { Mask } from "./secret_store.ts";
import { get, listOf } from "./network_probe.ts";
import { redacted } from "./redaction.ts";

const LISTS = [["sources", "source"], ["queries", "query"], ["reactions", "reaction"]] as const;
const FAILED = "Error";
const INTERNAL = "__";

/**
 * The parts in error, or why they could not be asked. Never rejects.
 * @param url of the drasi instance that lists them
 * @param mask hides the server's secrets: before anything is cut, lest half of one is left
 */
export async function componentsInError(
  url: string,
  signal: AbortSignal,
  mask: Mask,
): Promise<{ components: ComponentProblem[] } | { problem: string }> {
  const components: ComponentProblem[] = [];
  for (const [list, kind] of LISTS) {
    const from = `${url}/${list}`;
    try {
      const answer = await get(from, signal);
      if (!answer.ok) {
        await answer.body?.cancel();
        return { problem: `${from} answered ${answer.status}` };
      }
      const items = await listOf(answer);
      if (items === null) return { problem: `${from} answered no list` };
      components.push(...items.flatMap((item) => problemOf(kind, item, mask)));
    } catch (error) {
      return { problem: signal.aborted ? `${from} did not answer in time` : reasonOf(error) };
    }
  }
  return { components: components.slice(0, COMPONENTS_MAX) };
}

function problemOf(
  kind: string,
  item: Record<string, unknown>,
  mask: Mask,
): ComponentProblem[] {
  const { id, status, error_message: reason } = item;
  if (typeof id !== "string" || id.startsWith(INTERNAL) || status !== FAILED) return [];
  const said = typeof reason === "string" && reason !== ""
    ? { reason: redacted(mask(reason)).slice(0, 500) }
    : {};
  return [{ kind, name: mask(id).slice(0, 200), status, ...said }];
}
