/** Answers of two brokers side by side: what differs between them by its nature is taken out. */

/** Times are the clock's; positions are named by the order in which they are told. */
const TIMES = new Set([
  "at",
  "enqueuedAt",
  "acceptBy",
  "registeredAt",
  "lastHeartbeatAt",
  "dueInMs",
]);

/** An answer as every broker gives it; `names` are the positions that were told so far. */
export function comparable(answer: unknown, names: Map<string, string>): unknown {
  return JSON.parse(JSON.stringify(answer ?? null), (key, value) => {
    // Redis counts a command anew where it was moved to: what was no good at one site may be at another.
    if (TIMES.has(key) || key === "deliveries") return 0;
    if (key === "position" || key === "previous") return value && nameOf(value, names);
    if (typeof value !== "string" || !value.startsWith("threw ")) return value;
    // Whose beginning is in the way of a cut is told of any of them.
    return value.includes("no baseline") ? "threw: no baseline" : value.replace(/DRAAS\w+ /, "");
  });
}

function nameOf(position: string, names: Map<string, string>): string {
  if (!names.has(position)) names.set(position, `#${names.size}`);
  return names.get(position)!;
}

/** Lists whose order nobody promises, in one that both have: commands taken, runs placed, events of a worker given up. */
export function ordered(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.toSorted((a, b) => orderOf(a) < orderOf(b) ? -1 : 1);
  const { placed } = (answer ?? {}) as { placed?: unknown };
  return placed ? { ...answer as object, placed: ordered(placed) } : answer;
}

function orderOf(one: { messageId?: string; instanceId: string; version?: number }): string {
  return one.messageId ?? `${one.instanceId} ${String(one.version ?? 0).padStart(9, "0")}`;
}
