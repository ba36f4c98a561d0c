/** The same deeds without the terminal UI: as commands of `draas` and as requests by `curl`. Pure. */
import type { RequestType } from "../../machines/requests.ts";
import { type Line, lineOf, span } from "./line.ts";
import type { Model } from "./model.ts";
import { subjectOf, targetsOf } from "./targets.ts";

const VERBS: readonly RequestType[] = ["start", "stop", "restart", "delete"];
/** More are told by their number. */
const TARGETS_MAX = 20;

/** For what is marked or chosen now; where there is nothing, for the fleet. */
export function equivalentLines(model: Model): Line[] {
  const targets = targetsOf(model);
  const [first] = targets;
  const base = `${model.origin.url}/api/server/instances`;
  if (first === undefined) {
    return [
      ...pair("list", "draas list", `curl -s ${base}`),
      ...pair(
        "create one",
        "draas create web -- sleep 1000",
        `curl -s -X POST ${base} -H 'content-type: application/json' ` +
          `-d '{"name":"web","template":"command","serverConfiguration":{"command":["sleep","1000"]}}'`,
      ),
    ];
  }
  const ids = targets.slice(0, TARGETS_MAX).map(({ id }) => id);
  const more = targets.length > ids.length ? `  # and ${targets.length - ids.length} more` : "";
  const verbs = VERBS.filter((verb) => targets.some(({ allowed }) => allowed.includes(verb)));
  const path = (rest: string) => `${base}/${first.id}${rest}`;
  return [
    lineOf(
      `For ${subjectOf(targets)}${targets.length > 1 ? "; curl shows the first" : ""}:`,
      "quiet",
    ),
    lineOf(""),
    ...pair("look", `draas get ${ids[0]}`, `curl -s ${path("")}`),
    ...verbs.flatMap((verb) =>
      pair(
        verb,
        `draas ${verb} ${ids.join(" ")}${more}`,
        verb === "delete" ? `curl -s -X DELETE ${path("")}` : `curl -s -X POST ${path(`/${verb}`)}`,
      )
    ),
    ...pair("read", `draas logs ${ids[0]} --follow`, `curl -s '${path("/logs?tail=100")}'`),
    ...pair("why", `draas why ${ids[0]}`, `curl -s ${path("/why")}`),
    ...lastLines(model),
  ];
}

/** What was asked for last. */
function lastLines({ lastDeed }: Model): Line[] {
  if (lastDeed === null || !VERBS.some((verb) => verb === lastDeed.request.type)) return [];
  const { request: { type }, instanceIds } = lastDeed;
  const ids = instanceIds.slice(0, TARGETS_MAX).join(" ");
  const more = instanceIds.length > TARGETS_MAX
    ? `  # and ${instanceIds.length - TARGETS_MAX} more`
    : "";
  return [[span("last".padEnd(11), "strong"), span(`draas ${type} ${ids}${more}`, "accent")]];
}

function pair(what: string, command: string, request: string): Line[] {
  return [
    [span(what.padEnd(11), "strong"), span(command, "accent")],
    [span(" ".repeat(11)), span(request, "quiet")],
  ];
}
