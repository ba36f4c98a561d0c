/** What one node measures of itself and sees of its fleet, as Prometheus reads it. */
import type { Clock } from "../../events/clock.ts";
import type { WorkerRecord } from "../../events/command_bus.ts";
import { comparePositions, type Position } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Durability, EventLog, LogAvailability } from "../../events/event_log.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { watchEventLoop } from "./event_loop_delay.ts";
import { type Census, censusOf } from "./fleet_census.ts";
import { HistogramSeries, NumberSeries } from "./metric_series.ts";
import { METRICS, type TabledMetric } from "./metric_table.ts";

/** The instance system, as far as it is looked at. */
export interface WatchedSystem {
  states(): Iterable<InstanceState>;
  status(): Promise<{ ready: boolean; durability: Durability; position: Position }>;
  workers(): Promise<WorkerRecord[]>;
  isSilent(workerId: string): boolean;
  readonly fence: number | null;
}

/** A node that is looked at. */
export interface WatchedNode {
  system: WatchedSystem;
  log: Pick<EventLog, "head">;
  availability: LogAvailability;
}

/** What the host tells of the process. */
export interface ProcessFigures {
  memoryBytes: number;
  heapBytes: number;
  cpuSeconds: number;
}

export interface NodeMetricsParts {
  clock: Clock;
  version: string;
  denoVersion: string;
  processFigures(): ProcessFigures;
}

/** One answer of the API. */
export interface Answered {
  method: string;
  /** The pattern of its route; null: there is none. */
  route: string | null;
  status: number;
  tookMs: number;
}

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const SECONDS_OF_ANSWERS = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30, 60],
];
const SECONDS_OF_DELAYS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
const OTHER = "other";
const NO_ROUTE = "none";
const METHOD_NOT_ALLOWED = 405;

type Name = keyof typeof METRICS;
type NumberName = { [N in Name]: typeof METRICS[N]["type"] extends "histogram" ? never : N }[Name];

export class NodeMetrics {
  private readonly numbers: ReadonlyMap<Name, NumberSeries>;
  private readonly asks = new HistogramSeries(METRICS.asks, SECONDS_OF_ANSWERS);
  private readonly requestTimes = new HistogramSeries(METRICS.requestTimes, SECONDS_OF_ANSWERS);
  private readonly delays = new HistogramSeries(METRICS.eventLoopDelay, SECONDS_OF_DELAYS);
  private readonly startedAt: number;
  private node: WatchedNode | null = null;
  private looking: Promise<void> | null = null;
  /** What the log held at a look, and this node had not folded; since when, by the monotonic clock. */
  private unfolded: { head: Position; since: number } | null = null;
  private stopWatching = () => {};

  constructor(private readonly parts: NodeMetricsParts) {
    const tabled: [string, TabledMetric][] = Object.entries(METRICS);
    this.numbers = new Map(
      tabled.flatMap(([name, metric]) =>
        metric.type === "histogram" ? [] : [[name as Name, new NumberSeries(metric, metric.type)]]
      ),
    );
    this.startedAt = parts.clock.now();
    this.of("buildInfo").set([parts.version, parts.denoVersion], 1);
    for (const followed of ["events", "logs"]) this.of("eventStreams").set([followed], 0);
    for (const name of ["logAway", "rollbacks"] as const) this.of(name).set([], 0);
  }

  /** Looks at a node from now on; before that its part is missing. */
  watch(node: WatchedNode): void {
    this.node = node;
    const watching = node.availability.watch((change) => {
      if (change.kind === "away") this.of("logAway").add([]);
      if (change.kind === "rollback") this.of("rollbacks").add([]);
    });
    const stopDelays = watchEventLoop(
      this.parts.clock,
      (delayMs) => this.delays.observe([], delayMs / 1_000),
    );
    this.stopWatching = () => {
      watching.close();
      stopDelays();
    };
  }

  close(): void {
    this.stopWatching();
    this.node = null;
  }

  /** One ask came to `result`. */
  asked(request: string, result: string, tookMs: number): void {
    this.asks.observe([request, result], tookMs / 1_000);
  }

  answered({ method, route, status, tookMs }: Answered): void {
    // A method that its route does not have could be any word.
    const isKnown = METHODS.has(method) && status !== METHOD_NOT_ALLOWED;
    const [shown, pattern] = [isKnown ? method : OTHER, route ?? NO_ROUTE];
    this.of("requests").add([shown, pattern, String(status)]);
    this.requestTimes.observe([shown, pattern], tookMs / 1_000);
  }

  /** So many clients follow the log, or an output, from now on. */
  eventStreams(of: "events" | "logs", open: number): void {
    this.of("eventStreams").set([of], open);
  }

  /** All of it, after a look at the node. Who asks meanwhile gets what the same look finds. */
  async text(): Promise<string> {
    await (this.looking ??= this.look().finally(() => this.looking = null));
    const histograms: Partial<Record<Name, HistogramSeries>> = {
      asks: this.asks,
      requestTimes: this.requestTimes,
      eventLoopDelay: this.delays,
    };
    const names = Object.keys(METRICS) as Name[];
    return names.map((name) => (histograms[name] ?? this.numbers.get(name)!).text()).join("");
  }

  private of(name: NumberName): NumberSeries {
    return this.numbers.get(name)!;
  }

  private async look(): Promise<void> {
    this.lookAtProcess();
    if (this.node === null) return;
    const { system, log, availability } = this.node;
    // Asked before it is looked what is folded: what comes between the two is no lag.
    const head = await answerOf(() => log.head());
    const status = await system.status();
    const isAway = availability.away() !== null;
    this.of("ready").set([], status.ready ? 1 : 0);
    this.of("leading").set([], system.fence === null ? 0 : 1);
    this.of("logAvailable").set([], isAway ? 0 : 1);
    for (const kind of ["memory", "process", "disk", "replicated"] as const) {
      this.of("durability").set([kind], !isAway && status.durability === kind ? 1 : 0);
    }
    this.lookAtLog(head, status.position);
    const workers = await answerOf(() => system.workers());
    const isSilent = (workerId: string) => system.isSilent(workerId);
    this.tell(censusOf(system.states(), workers, isSilent, this.parts.clock.now()));
    if (workers === null) this.clear("workers", "slots", "busySlots");
  }

  private lookAtProcess(): void {
    const { memoryBytes, heapBytes, cpuSeconds } = this.parts.processFigures();
    this.of("memory").set([], memoryBytes);
    this.of("heap").set([], heapBytes);
    this.of("cpu").set([], cpuSeconds);
    this.of("started").set([], this.startedAt / 1_000);
  }

  private lookAtLog(head: Position | null, folded: Position): void {
    this.of("foldedPosition").set([], majorOf(folded));
    if (head === null) return this.clear("headPosition", "lag");
    const now = this.parts.clock.monotonic();
    if (this.unfolded && comparePositions(this.unfolded.head, folded) <= 0) this.unfolded = null;
    if (comparePositions(head, folded) > 0) this.unfolded ??= { head, since: now };
    this.of("headPosition").set([], majorOf(head));
    this.of("lag").set([], this.unfolded ? (now - this.unfolded.since) / 1_000 : 0);
  }

  private tell(census: Census): void {
    this.clear("instances", "health", "commands", "oldestWaiting", "workers", "slots", "busySlots");
    for (const [platform, found] of census) {
      this.setAll("instances", platform, found.instances);
      this.setAll("health", platform, found.running);
      this.setAll("commands", platform, found.commands);
      this.setAll("workers", platform, found.workers);
      this.of("oldestWaiting").set([platform], found.oldestWaitingMs / 1_000);
      this.of("slots").set([platform], found.slots);
      this.of("busySlots").set([platform], found.busySlots);
    }
  }

  private setAll(name: NumberName, platform: string, counts: Record<string, number>): void {
    for (const [word, value] of Object.entries(counts)) this.of(name).set([platform, word], value);
  }

  private clear(...names: NumberName[]): void {
    for (const name of names) this.of(name).clear();
  }
}

/** Null where the log does not answer: then what it would say is missing. */
async function answerOf<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return null;
  }
}

function majorOf(position: Position): number {
  return Number(position.split("-", 1)[0]);
}
