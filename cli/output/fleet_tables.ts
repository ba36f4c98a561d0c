/** What the tables of instances, workers and events have in their columns. Pure. */
import type { EventAnswer, InstanceAnswer, WorkerAnswer } from "../../http/client/answers.ts";
import { age, size } from "./ages.ts";
import { healthColour, statusColour } from "./paint.ts";
import type { Column } from "./table.ts";

const SHORT_ID = 8;

/** The first characters of each id: as few as tell it from the others, at least 8. */
export function shortIds(ids: readonly string[]): Map<string, string> {
  const sorted = [...new Set(ids)].sort();
  return new Map(sorted.map((id, at) => {
    const shared = Math.max(
      sharedCharacters(id, sorted[at - 1] ?? ""),
      sharedCharacters(id, sorted[at + 1] ?? ""),
    );
    return [id, id.slice(0, Math.max(SHORT_ID, shared + 1))];
  }));
}

function sharedCharacters(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** An instance as messages name it: `web (6f3a1b2c)`. */
export function namedInstance({ id, name }: { id: string; name: string }): string {
  return name === "" || name === id ? id : `${name} (${id.slice(0, SHORT_ID)})`;
}

/** Labels as flags take them. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(",");
}

/** Of a list of instances at `now` (epoch milliseconds). */
export function instanceColumns(
  instances: readonly InstanceAnswer[],
  now: number,
  isWide: boolean,
): Column<InstanceAnswer>[] {
  const short = shortIds(instances.map(({ id }) => id));
  const columns: Column<InstanceAnswer>[] = [
    { title: "ID", text: ({ id }) => isWide ? id : short.get(id) ?? id },
    { title: "NAME", text: ({ name }) => name, canShrink: true },
    {
      title: "STATUS",
      text: ({ status }) => status,
      colour: ({ status }) => statusColour(status),
    },
    {
      title: "HEALTH",
      text: ({ health, workerSilent }) => workerSilent ? "worker silent" : health,
      colour: ({ health }) => healthColour(health),
    },
    { title: "PLATFORM", text: ({ platform }) => platform },
    { title: "RESTARTS", text: ({ restarts }) => String(restarts), isNumber: true },
    { title: "AGE", text: ({ createdAt }) => age(createdAt, now), isNumber: true },
  ];
  return isWide ? [...columns, ...WIDE_INSTANCE] : columns;
}

const live = (instance: InstanceAnswer) =>
  instance.runtimeInfo?.status === "Running" ? instance.runtimeInfo : undefined;

const WIDE_INSTANCE: readonly Column<InstanceAnswer>[] = [
  { title: "TEMPLATE", text: ({ template }) => template },
  { title: "WORKER", text: ({ worker = "" }) => worker },
  { title: "PID", text: (one) => live(one)?.processId ?? "", isNumber: true },
  { title: "PORT", text: (one) => String(live(one)?.port ?? ""), isNumber: true },
  { title: "CPU", text: ({ metrics }) => percent(metrics?.cpuShare), isNumber: true },
  { title: "MEMORY", text: ({ metrics }) => bytes(metrics?.memoryBytes), isNumber: true },
  { title: "LABELS", text: ({ labels }) => labelsText(labels) },
];

/** Of a core; empty where it is not known. */
export function percent(share: unknown): string {
  return typeof share === "number" ? `${(share * 100).toFixed(1)}%` : "";
}

/** Of memory; empty where it is not known. */
export function bytes(count: unknown): string {
  return typeof count === "number" ? size(count) : "";
}

/** Of a list of workers at `now` (epoch milliseconds). */
export function workerColumns(now: number, isWide: boolean): Column<WorkerAnswer>[] {
  const columns: Column<WorkerAnswer>[] = [
    { title: "ID", text: ({ id }) => id, canShrink: true },
    { title: "PLATFORM", text: ({ platform }) => platform },
    {
      title: "STATE",
      text: workerState,
      colour: (worker) => workerState(worker) === "ready" ? "green" : "yellow",
    },
    { title: "BUSY", text: ({ busy, slots }) => `${busy}/${slots}`, isNumber: true },
    { title: "VERSION", text: ({ version }) => version },
    { title: "SEEN", text: ({ lastHeartbeatAt }) => age(lastHeartbeatAt, now), isNumber: true },
    { title: "LABELS", text: ({ labels }) => labelsText(labels) },
  ];
  return isWide
    ? [
      ...columns,
      { title: "SITE", text: ({ site }) => site },
      { title: "REGISTERED", text: ({ registeredAt }) => registeredAt },
    ]
    : columns;
}

/** In one word: the gravest of what is true of a worker. */
export function workerState({ lost, silent, draining }: WorkerAnswer): string {
  if (lost) return "lost";
  if (silent) return "silent";
  return draining ? "draining" : "ready";
}

/** One event as a line: columns of a fixed width, as more lines may come. */
export function eventLine(event: EventAnswer, name: string, isWide: boolean): string {
  const { at, type, requestedBy, position, version, data } = event;
  const by = requestedBy === undefined ? "" : ` by ${requestedBy}`;
  const rest = isWide ? `  ${position} v${version} ${JSON.stringify(data)}` : reasonIn(data);
  return `${at}  ${type.padEnd(22)}  ${name}${by}${rest}`;
}

/** What an event says in words, where it does. */
function reasonIn(data: EventAnswer["data"]): string {
  const { message, reason, response } = data as Record<string, unknown>;
  const said = (response as { errorMessage?: unknown } | undefined)?.errorMessage;
  const text = [message, reason, said].find((one) => typeof one === "string" && one !== "");
  return text === undefined ? "" : `: ${text}`;
}
