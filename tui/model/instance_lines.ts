/** All that is known of one instance, or why it is as it is, as lines. Pure. */
import type { Json } from "../../events/json.ts";
import { printable, withoutSequences, wordLines } from "../terminal_text.ts";
import { hasDrift, type Instance } from "./instance.ts";
import {
  bytesText,
  conditionText,
  cpuText,
  durationText,
  healthOf,
  statusTone,
} from "./instance_text.ts";
import type { InstanceScreenState } from "./instance_state.ts";
import { layoutOf } from "./layout.ts";
import { lifecycleLines } from "./lifecycle_diagram.ts";
import { fitLine, type Line, lineOf, span, type Tone } from "./line.ts";
import { type Model, shownFleet, silence } from "./model.ts";
import { present } from "./places.ts";

const TITLE_COLUMNS = 16;

/** The instance that the screen was opened for, while it is there. */
export function openedInstance(model: Model): Instance | undefined {
  const [id = ""] = present(model.places).instanceIds;
  return shownFleet(model).instances.get(id);
}

/** Those in sight. */
export function instanceRows(model: Model): Line[] {
  const { body, width } = layoutOf(model.terminal);
  const lines = instanceLines(model);
  const top = topWithin(model, lines.length);
  return lines.slice(top, top + body).map((line) => fitLine(line, width));
}

/** The first line in sight, of so many. */
export function topWithin(model: Model, count: number): number {
  const { body } = layoutOf(model.terminal);
  return Math.max(0, Math.min(model.screens.instance.top, count - body));
}

/** All of them. */
export function instanceLines(model: Model): Line[] {
  const instance = openedInstance(model);
  const screen = model.screens.instance;
  if (instance === undefined) {
    return [lineOf(""), lineOf("  It is not there any more. Its events are kept: e shows them.")];
  }
  const width = layoutOf(model.terminal).width - TITLE_COLUMNS - 2;
  return [
    ...lifecycleLines(instance.status),
    lineOf(""),
    ...(screen.isWhy
      ? whyLines(screen, width)
      : [...stateLines(model, instance, width), ...restLines(instance, screen, width)]),
  ];
}

/** Where it failed, that comes first. */
function restLines(instance: Instance, screen: InstanceScreenState, width: number): Line[] {
  const failure = failureLines(instance, width);
  const configuration = configurationLines(instance, screen, width);
  return instance.status === "Failed"
    ? [...failure, ...configuration]
    : [...configuration, ...failure];
}

function stateLines(model: Model, instance: Instance, width: number): Line[] {
  const { answer, status, since, worker, port, use } = instance;
  const { now } = model;
  const health = healthOf(instance, silence(model));
  const condition = conditionText(instance, now, silence(model));
  const labels = Object.entries(instance.labels).map(([key, value]) => `${key}=${value}`).join(
    ", ",
  );
  const run = answer.runtimeInfo;
  const live = [
    ["pid", textOf(run?.processId)],
    ["container", textOf(run?.containerId).slice(0, 12)],
    ["pod", textOf(run?.podName)],
    ["host", textOf(run?.host)],
    ["port", port === null ? "" : String(port)],
  ].filter(([, value]) => value !== "");
  const isLive = run?.status === "Running";
  return [
    ...titled(
      "Status",
      `${status} for ${durationText(now - since)}, wanted ${answer.desired}`,
      width,
      statusTone(status),
    ),
    ...titled("", condition, width, status === "Failed" ? "bad" : "busy"),
    ...titled("Health", health.word, width, health.tone),
    ...componentsOf(instance).flatMap((text) => titled("", text, width, "bad")),
    ...titled(
      "Runs as",
      `${instance.template} on ${instance.platform}${worker === "" ? "" : ` under ${worker}`}`,
      width,
    ),
    ...titled("Process", isLive ? live.map((pair) => pair.join(" ")).join(", ") : "", width),
    ...titled(
      "Uses",
      use ? `${cpuText(use)} of a core, ${bytesText(use.memoryBytes)} of memory` : "",
      width,
    ),
    ...titled("Restarts", String(instance.restarts), width),
    ...titled("Labels", labels, width),
    ...titled("Id", `${instance.id}, created ${answer.createdAt}`, width, "quiet"),
    ...titled("About", answer.description ?? "", width, "quiet"),
  ];
}

/** Of its parts, those that are not well. */
function componentsOf({ answer }: Instance): string[] {
  const components = memberOf(answer.healthDetail, "components");
  if (!Array.isArray(components)) return [];
  return components.map((one) => {
    const [kind, name, status, reason] = ["kind", "name", "status", "reason"]
      .map((member) => textOf(memberOf(one, member)));
    return `${kind} ${name}: ${status}${reason === "" ? "" : `, ${reason}`}`;
  });
}

function configurationLines(
  instance: Instance,
  { difference }: InstanceScreenState,
  width: number,
): Line[] {
  const { revision, runningRevision, answer } = instance;
  const isDrift = hasDrift(instance);
  const what = isDrift
    ? `revision ${revision}; revision ${runningRevision} runs, a restart applies the difference`
    : `revision ${revision}${runningRevision === null ? "" : ", which runs"}`;
  const patch = isDrift && difference?.to === revision ? difference.patch : [];
  const changes = patch.map((one) => {
    const [op, path] = [textOf(memberOf(one, "op")), textOf(memberOf(one, "path"))];
    const value = memberOf(one, "value");
    return `${op} ${path}${value === undefined ? "" : ` → ${JSON.stringify(value)}`}`;
  });
  const configured = memberOf(answer.configuration, "serverConfiguration");
  return [
    lineOf(""),
    ...titled("Configured", what, width, isDrift ? "busy" : "plain"),
    ...changes.flatMap((change) => titled("", change, width, "busy")),
    ...configured === undefined ? [] : JSON.stringify(configured, null, 2).split("\n").map((
      line,
    ) => [span(" ".repeat(TITLE_COLUMNS + 2)), ...lineOf(printable(line), "quiet")]),
  ];
}

/** How the last run that failed ended, and the last that it printed. */
function failureLines({ answer }: Instance, width: number): Line[] {
  const run = memberOf(answer.lastFailure, "run");
  if (run === undefined) {
    const error = textOf(memberOf(answer.lastError, "message"));
    return error === "" ? [] : [lineOf(""), ...titled("Last error", error, width, "bad")];
  }
  const changes = memberOf(memberOf(answer.lastFailure, "capsule"), "changes");
  const tail = memberOf(run, "logTail");
  const lines = typeof tail === "string" ? tail.trimEnd().split(/\r?\n/) : [];
  return [
    lineOf(""),
    ...titled(
      "Last failure",
      textOf(memberOf(memberOf(run, "exit"), "message")) || "-",
      width,
      "bad",
    ),
    ...titled("", textOf(memberOf(answer.lastFailure, "at")), width, "quiet"),
    ...(Array.isArray(changes) ? changes : []).flatMap((change) =>
      titled("", `since the last good run: ${textOf(change)}`, width, "busy")
    ),
    ...lines.map((line): Line => [
      span(`${" ".repeat(TITLE_COLUMNS + 1)}│`, "quiet"),
      span(printable(withoutSequences(line))),
    ]),
  ];
}

/** The chain of causes, the oldest first, and what comes next. */
function whyLines({ explanation }: InstanceScreenState, width: number): Line[] {
  if (explanation === null) return [lineOf("  Reading its events…", "quiet")];
  const { summary, steps, next } = explanation;
  return [
    ...titled("Why", printable(summary), width, "strong"),
    lineOf(""),
    ...steps.flatMap(({ at, kind, text }) => titled(clockOf(at), `${kind}: ${text}`, width)),
    ...next.flatMap(({ at, kind, text }) =>
      titled(at === undefined ? "next" : clockOf(at), `next, ${kind}: ${text}`, width, "busy")
    ),
  ];
}

/** `text` under a title, in as many lines as it takes; none where it is empty. */
function titled(title: string, text: string, width: number, tone: Tone = "plain"): Line[] {
  if (text === "") return [];
  return wordLines(printable(text), Math.max(10, width)).map((piece, at) => [
    span(`  ${(at === 0 ? title : "").padEnd(TITLE_COLUMNS)}`, "quiet"),
    span(piece, tone),
  ]);
}

/** `01-01 12:00:04` of a time in ISO 8601. */
function clockOf(at: string): string {
  return printable(at.slice(5, 19).replace("T", " "));
}

function memberOf(value: unknown, name: string): Json | undefined {
  return typeof value === "object" && value !== null
    ? (value as Record<string, Json | undefined>)[name]
    : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? printable(value) : "";
}
