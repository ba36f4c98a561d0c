/** An event log whose appends are spans, and whose commands take the trace along to their workers. */
import type { AppendBatch, AppendOutcome, EventLog } from "../../events/event_log.ts";
import type { Tracer } from "../../events/tracer.ts";

/** The same log, traced. */
export function tracedLog(log: EventLog, tracer: Tracer): EventLog {
  return {
    append: (batch) => appendTraced(log, tracer, batch),
    read: (...args) => log.read(...args),
    tail: (...args) => log.tail(...args),
    history: (...args) => log.history(...args),
    findKey: (key) => log.findKey(key),
    latest: (instanceId) => log.latest(instanceId),
    head: () => log.head(),
    durability: () => log.durability(),
    close: () => log.close(),
  };
}

function appendTraced(log: EventLog, tracer: Tracer, batch: AppendBatch): Promise<AppendOutcome> {
  const { instanceId, events, meta, commands } = batch;
  return tracer.inSpan(
    {
      name: "append",
      kind: commands.length > 0 ? "producer" : "internal",
      attributes: {
        "draas.instance_id": instanceId,
        "draas.events": events.map(({ type }) => type).join(" "),
      },
      ...(meta.correlationId === undefined ? {} : { of: meta.correlationId }),
    },
    () => {
      const traceparent = tracer.traceparent();
      if (traceparent === null || commands.length === 0) return log.append(batch);
      return log.append({
        ...batch,
        commands: commands.map((command) => ({ ...command, traceparent })),
      });
    },
    ({ kind }) => kind === "appended" || kind === "duplicate" ? null : kind,
  );
}
