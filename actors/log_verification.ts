/** Proves a log against itself: every baseline, the snapshot, and what a node has folded are what the events make. */
import { comparePositions, type Position, type RecordedEvent } from "../events/envelope.ts";
import type { EventLog, LogRetention } from "../events/event_log.ts";
import type { JsonObject } from "../events/json.ts";
import { evolve, initialState, isNext, restoreState, STATE_SCHEMA } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { InstanceTable } from "./instance_table.ts";
import { beginningOf } from "./log_beginning.ts";
import { hasSameContent, isSameState } from "./same_states.ts";

/** Something that is not as its events say. */
export interface LogDifference {
  instanceId: string;
  /** Where in the log; of a snapshot, the position that it is true for. */
  position: Position;
  /**
   * `log`: a gap, a wrong link to the event before, or data that is not what its schema says. The others: what differs
   * from the fold.
   */
  where: "log" | "baseline" | "snapshot" | "table" | "copy";
  message: string;
}

export interface LogVerification {
  /** Where reading began; `0-0` for a log that was never cut. */
  from: Position;
  to: Position;
  events: number;
  instances: number;
  /** How many of the baselines could be compared: those of which the events before are still there. */
  baselines: number;
  /** States of the snapshot that were compared; null when there is no snapshot. */
  snapshotStates: number | null;
  /** How many differences there are; the first ones of them are in `differences`. */
  differenceCount: number;
  differences: LogDifference[];
}

const PAGE = 2_000;
const DIFFERENCES_KEPT = 100;

/**
 * Folds the whole log once and compares. Changes nothing.
 * @param table what a running node has folded, to be compared too; instances that change meanwhile are left out
 * @throws {OperationalError} what reading the log throws: `log_damaged`, `log_from_newer_version`, …
 */
export async function verifyLog(
  log: EventLog,
  retention: LogRetention,
  table?: InstanceTable,
): Promise<LogVerification> {
  const proof = new LogProof(await snapshotOf(retention));
  const from = await beginningOf(log);
  let to = from;
  for (;;) {
    const page = await log.read(to, PAGE);
    for (const event of page) proof.take(event, from);
    to = page.at(-1)?.position ?? to;
    if (page.length < PAGE) break;
  }
  if (table) proof.compareTable(table);
  return proof.report(from, to);
}

/** The report in words, for a terminal. */
export function describeVerification(report: LogVerification): string {
  const { events, instances, baselines, snapshotStates, from, to } = report;
  const lines = [
    `${events} events of ${instances} instances, from ${from} to ${to}.`,
    `${baselines} baselines and ${
      snapshotStates === null ? "no snapshot" : `${snapshotStates} states of the snapshot`
    } compared with the fold.`,
  ];
  if (report.differenceCount === 0) {
    return [...lines, "Everything is as its events say."].join("\n");
  }
  const told = report.differences.map(({ instanceId, position, where, message }) =>
    `  ${instanceId} at ${position} (${where}): ${message}`
  );
  const rest = report.differenceCount - told.length;
  return [
    ...lines,
    `${report.differenceCount} differences:`,
    ...told,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ].join("\n");
}

/** The states of a snapshot, to be compared with the fold. */
export interface SnapshotStates {
  position: Position;
  /** By instance; taken out when it was compared. */
  states: Map<string, InstanceState>;
  size: number;
}

/** A proof under way: it takes a log's events in their order, and remembers what does not fit. */
export class LogProof {
  /** What the events so far make. */
  readonly states = new Map<string, InstanceState>();
  /** The position of each instance's newest event. */
  private readonly newest = new Map<string, Position>();
  /** Those whose first events were cut. */
  private readonly shortened = new Set<string>();
  private readonly differences: LogDifference[] = [];
  private differenceCount = 0;
  private events = 0;
  private baselines = 0;

  constructor(private readonly snapshot: SnapshotStates | null) {}

  /** @param from where reading began: what lies before it was cut */
  take(event: RecordedEvent, from: Position): void {
    const { instanceId } = event;
    this.events++;
    this.compareLink(event, from);
    const before = this.states.get(instanceId) ?? initialState(instanceId);
    const after = isNext(before, event) ? evolve(before, event) : null;
    if (event.type === "Baseline") this.compareBaseline(event, before);
    if (!after) return;
    this.states.set(instanceId, after);
    if (this.snapshot) this.compareSaved(this.snapshot, event, after);
  }

  /** Compares what a node has folded with what was taken so far. */
  compareTable(table: InstanceTable): void {
    for (const [instanceId, state] of this.states) {
      const other = table.state(instanceId);
      const position = state.context.position;
      if (!other || other.context.version < state.context.version) {
        this.differ(instanceId, position, "table", "the node has not folded it this far");
      } else if (
        other.context.version === state.context.version && !isSameState(other, state)
      ) {
        this.differ(instanceId, position, "table", "the node's state is not what the events make");
      }
    }
  }

  /** What came of it. */
  report(from: Position, to: Position): LogVerification {
    const { snapshot } = this;
    if (snapshot) this.compareRest(snapshot, to);
    return {
      from,
      to,
      events: this.events,
      instances: this.states.size,
      baselines: this.baselines,
      snapshotStates: snapshot?.size ?? null,
      differenceCount: this.differenceCount,
      differences: this.differences,
    };
  }

  /** An instance's versions have no gap, and each event names the one before. */
  private compareLink(event: RecordedEvent, from: Position): void {
    const { instanceId, position, previous } = event;
    const known = this.newest.get(instanceId) ?? null;
    this.newest.set(instanceId, position);
    // What was cut cannot be followed back to.
    if (known === null && previous !== null && comparePositions(previous, from) <= 0) {
      this.shortened.add(instanceId);
      return;
    }
    if (known !== previous) {
      const message = `it follows ${previous ?? "nothing"}, but before it is ${known ?? "nothing"}`;
      return this.differ(instanceId, position, "log", message);
    }
    const version = this.states.get(instanceId)?.context.version;
    if (version !== undefined && event.version !== version + 1) {
      this.differ(instanceId, position, "log", `version ${event.version} follows ${version}`);
    }
  }

  private compareBaseline(
    event: RecordedEvent & { type: "Baseline" },
    before: InstanceState,
  ): void {
    // The events before it were cut: then it is the beginning, and there is nothing to compare it with.
    if (before.context.version !== event.version - 1) return;
    this.baselines++;
    const stored = restoreState(event.data.state, event);
    if (hasSameContent(stored, before)) return;
    this.differ(
      event.instanceId,
      event.position,
      "baseline",
      "its state is not what the events before it make",
    );
  }

  private compareSaved(
    { states, position }: SnapshotStates,
    event: RecordedEvent,
    after: InstanceState,
  ): void {
    const { instanceId, version } = event;
    const saved = states.get(instanceId);
    if (!saved && version === 1 && comparePositions(event.position, position) <= 0) {
      this.differ(instanceId, event.position, "snapshot", "it is not in the snapshot");
    }
    if (saved?.context.version !== version) return;
    states.delete(instanceId);
    if (!isSameState(saved, after)) {
      this.differ(instanceId, event.position, "snapshot", "its state is not what the events make");
    }
  }

  /** What was not met while folding: states of no version that there was, and instances that are missing. */
  private compareRest(snapshot: SnapshotStates, to: Position): void {
    const { position } = snapshot;
    if (comparePositions(position, to) > 0) {
      this.differ("", position, "snapshot", `it is from after the log's end, ${to}`);
    }
    for (const [instanceId, state] of snapshot.states) {
      const folded = this.states.get(instanceId);
      // Cut since, with all that it stood on: its baseline has been compared.
      const isPast = folded !== undefined && folded.context.version > state.context.version;
      if (isPast && this.shortened.has(instanceId)) continue;
      const { version } = state.context;
      this.differ(instanceId, position, "snapshot", `the log never came to its version ${version}`);
    }
  }

  /** Remembers something that is not as the events say. */
  differ(
    instanceId: string,
    position: Position,
    where: LogDifference["where"],
    message: string,
  ): void {
    this.differenceCount++;
    if (this.differences.length < DIFFERENCES_KEPT) {
      this.differences.push({ instanceId, position, where, message });
    }
  }
}

async function snapshotOf(retention: LogRetention): Promise<SnapshotStates | null> {
  const snapshot = await retention.loadSnapshot();
  // One of another schema is no cache of this release's fold; a recovery drops it.
  if (!snapshot || snapshot.schema !== STATE_SCHEMA) return null;
  const states = new Map<string, InstanceState>();
  for (const text of snapshot.states) {
    const state = restoreState(JSON.parse(text) as JsonObject);
    states.set(state.context.instanceId, state);
  }
  return { position: snapshot.position, states, size: states.size };
}
