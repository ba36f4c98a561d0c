/** One instance with what a person wants to know of it, as lines. Pure. */
import type { JsonObject } from "../../events/json.ts";
import type { InstanceAnswer } from "../../http/client/answers.ts";
import { printable } from "../../tui/terminal_text.ts";
import { age, size } from "./ages.ts";
import { labelsText } from "./fleet_tables.ts";
import { healthColour, type Paint, plain, statusColour } from "./paint.ts";

const TITLE_COLUMNS = 14;

/** Lines with their line ends; `now` is epoch milliseconds. What is not known has no line. */
export function instanceDetails(
  instance: InstanceAnswer,
  now: number,
  paint: Paint = plain,
): string {
  const { id, name, description, status, desired, health, platform, template } = instance;
  const { labels, worker, restarts, createdAt, runtimeInfo, metrics } = instance;
  const { nextStartAt, lastError, configuration, pending, allowed } = instance as JsonObject;
  const isLive = runtimeInfo?.status === "Running";
  const rows: [string, string | undefined][] = [
    ["ID", id],
    ["Description", description],
    ["Status", `${paint(printable(status), statusColour(status))}, wanted ${printable(desired)}`],
    ["Health", instance.workerSilent ? "unknown: its worker is silent" : healthText()],
    [
      "Runs as",
      `${template} on ${platform}${worker === undefined ? "" : ` under ${printable(worker)}`}`,
    ],
    ["Process", isLive ? processText(runtimeInfo, now) : undefined],
    ["Uses", metrics === undefined ? undefined : usageText(metrics)],
    ["Restarts", String(restarts)],
    ["Next start", typeof nextStartAt === "string" ? nextStartAt : undefined],
    ["Pending", member(pending, "kind")],
    ["Last error", member(lastError, "message")],
    ["Labels", labelsText(labels)],
    ["Revision", numberMember(configuration, "revision")],
    ["Created", `${createdAt} (${age(createdAt, now)} ago)`],
    ["Allowed", Array.isArray(allowed) ? allowed.join(", ") : undefined],
  ];
  function healthText(): string {
    const reason = member((instance as JsonObject).healthDetail, "reason");
    return `${paint(printable(health), healthColour(health))}${
      reason === undefined ? "" : `: ${printable(reason)}`
    }`;
  }
  const coloured = new Set(["Status", "Health"]);
  const lines = rows.flatMap(([title, text]) => {
    if (text === undefined || text === "") return [];
    return [`  ${title.padEnd(TITLE_COLUMNS)}${coloured.has(title) ? text : printable(text)}\n`];
  });
  return `${paint(printable(name), "bold")}\n${lines.join("")}`;
}

function processText(
  run: NonNullable<InstanceAnswer["runtimeInfo"]>,
  now: number,
): string {
  const parts = [
    run.processId === undefined ? "" : `pid ${run.processId}`,
    run.port === undefined ? "" : `port ${run.port}`,
    `since ${age(run.startedAt, now)}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function usageText({ cpuShare, memoryBytes }: JsonObject): string {
  const cpu = typeof cpuShare === "number" ? `${(cpuShare * 100).toFixed(1)}% of a core` : "";
  const memory = typeof memoryBytes === "number" ? `${size(memoryBytes)} of memory` : "";
  return [cpu, memory].filter((part) => part !== "").join(", ");
}

function member(value: unknown, name: string): string | undefined {
  const found = (value as JsonObject | undefined)?.[name];
  return typeof found === "string" ? found : undefined;
}

function numberMember(value: unknown, name: string): string | undefined {
  const found = (value as JsonObject | undefined)?.[name];
  return typeof found === "number" ? String(found) : undefined;
}
