/** What the simulated users saw: each request, and what they were told. Compared with the log at the end. */
import type { Position } from "../../events/envelope.ts";
import type { AskOptions, AskOutcome } from "../../actors/system_port.ts";
import type { InstanceRequest } from "../../machines/requests.ts";

/** One request and its answer; `told` is null while, or because, nobody answered. */
export interface ClientRecord {
  number: number;
  askedAt: number;
  /** Null for a create. */
  instanceId: string | null;
  request: InstanceRequest;
  options: AskOptions;
  told: Told | null;
}

/** An answer, reduced to what can be checked. */
export type Told =
  | { kind: "fact"; instanceId: string; position: Position; version: number; eventType: string }
  | { kind: "unchanged" | "rejected" | "unknown" | "error"; code: string };

/** What an outcome claims about the log. */
export function toldBy(outcome: AskOutcome): Told {
  switch (outcome.kind) {
    case "done":
      if (!outcome.event) return { kind: "unchanged", code: "" };
      return fact(outcome.event);
    case "failed":
    case "accepted":
      return { kind: "unchanged", code: outcome.kind };
    case "rejected":
      return { kind: "rejected", code: outcome.rejection.code };
    case "unknown":
    case "plan":
      return { kind: "unknown", code: outcome.kind };
  }
}

function fact(
  event: { instanceId: string; position: Position; version: number; type: string },
): Told {
  const { instanceId, position, version, type } = event;
  return { kind: "fact", instanceId, position, version, eventType: type };
}
