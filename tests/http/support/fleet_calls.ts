/** Fleet files sent to an API, and what it says of them. */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../../events/json.ts";
import type { ApiClient } from "./api_client.ts";

/** A line of an apply, as it came. */
// deno-lint-ignore no-explicit-any -- tests look into lines of every shape
export type Line = any;

/** What an apply came to. */
export interface Applied {
  lines: Line[];
  /** Its last line. */
  end: Line;
  /** `web-1 done`, in the order in which they ended. */
  ends: string[];
}

/** Applies a file to its end; `query` as in `prune=true`. */
export async function apply(call: ApiClient, file: unknown, query = ""): Promise<Applied> {
  const answer = await call(`POST /api/fleet/apply?${query}`, { body: file });
  assertEquals(
    [answer.status, answer.headers.get("content-type")],
    [200, "application/x-ndjson"],
    answer.text,
  );
  return applied(answer.text);
}

/** The lines of a body, taken apart. */
export function applied(text: string): Applied {
  const lines: Line[] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  return {
    lines,
    end: lines.at(-1),
    ends: lines.filter(({ type }) => type === "ended").map(({ name, outcome }) =>
      `${name} ${outcome}`
    ),
  };
}

/** The plan of a file. */
export async function diff(call: ApiClient, file: unknown, query = ""): Promise<Line> {
  const answer = await call(`POST /api/fleet/diff?${query}`, { body: file });
  assertEquals(answer.status, 200, answer.text);
  return answer.json;
}

/** `web-1: create, start`, for each that something is done to. */
export function stepsIn(plan: Line): string[] {
  return plan.items.filter(({ steps }: Line) => steps.length > 0)
    .map(({ name, steps }: Line) => `${name}: ${steps.join(", ")}`);
}

/** A fleet of `count` servers `web-1` and so on, of one release. */
export function webFleet(count: number, release = "1", more: JsonObject = {}): JsonObject {
  return {
    fleet: "shop",
    bases: {
      program: {
        template: "command",
        serverConfiguration: { command: ["server"], env: { RELEASE: release } },
      },
    },
    instances: { web: { from: "program", count }, ...more },
  };
}

/** `web-1: port_in_use: …`, for each that failed. */
export function problemsIn({ lines }: Applied): string[] {
  return lines.filter(({ problem }) => problem !== undefined)
    .map(({ name, problem }) => `${name}: ${problem.code}: ${problem.detail}`);
}
