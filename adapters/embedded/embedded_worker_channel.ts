/** The `WorkerChannel` port over the steps: one worker's side of the bus, in this process. */
import type { Query, QueryAnswer } from "../../events/site_query.ts";
import { ComparePace } from "../../events/compare_pace.ts";
import type { Command } from "../../events/commands.ts";
import type { RunMetrics } from "../../events/metrics.ts";
import type { HealthReport } from "../../events/health.ts";
import type { Observation } from "../../events/observations.ts";
import type { InstanceResponse } from "../../events/responses.ts";
import type {
  AcceptOutcome,
  CompleteOutcome,
  Dismissal,
  Held,
  RegisterOutcome,
  Registration,
  Standing,
  WorkerChannel,
} from "../../events/worker_channel.ts";
import type { BusParts } from "./embedded_command_bus.ts";
import { accept } from "./steps/accept.ts";
import { complete } from "./steps/complete.ts";
import { observe } from "./steps/observe.ts";
import { acceptedBy, leave, placedAt, register } from "./steps/register.ts";
import { dismissalOf, presentWorker } from "./steps/present_worker.ts";
import type { InstanceRow, WorkerRow } from "./tables.ts";

export class EmbeddedWorkerChannel implements WorkerChannel {
  readonly #pace = new ComparePace();
  #compare: (held: Held) => void = () => {};

  constructor(
    private readonly parts: BusParts,
    private readonly registration: Readonly<Registration>,
  ) {}

  register(): Promise<RegisterOutcome> {
    const { writes, heartbeats } = this.parts;
    return writes.submit(register(this.registration, (worker) => heartbeats.at(worker)));
  }

  heartbeat(busy: number, metrics?: readonly RunMetrics[]): Promise<"ok" | Dismissal> {
    const { writes, heartbeats } = this.parts;
    return writes.read(() => {
      const worker = this.#present();
      if (!worker) return this.#dismissal();
      const now = writes.now();
      heartbeats.beat(worker, now, busy);
      if (metrics) heartbeats.tell(worker, now, metrics);
      if (this.#pace.isDue(now)) this.#compare(this.#held());
      return "ok";
    });
  }

  take(max: number, waitMs: number): Promise<Command[]> {
    const { workerId, incarnation } = this.registration;
    const { writes, delivery } = this.parts;
    return writes.read(() => delivery.take(workerId, incarnation, max, waitMs));
  }

  async accept(commandId: string): Promise<AcceptOutcome> {
    const { workerId, incarnation } = this.registration;
    try {
      const outcome = await this.parts.writes.submit(accept(workerId, incarnation, commandId));
      const worker = outcome.kind === "accepted" ? this.#present() : null;
      if (worker) this.parts.heartbeats.hear(worker, this.parts.writes.now());
      return outcome;
    } catch (error) {
      // The log's fault, not the command's: it must not count as poison.
      this.parts.delivery.forgive(commandId);
      throw error;
    }
  }

  async complete(
    commandId: string,
    attempt: number,
    response: InstanceResponse,
  ): Promise<CompleteOutcome> {
    const { workerId, incarnation } = this.registration;
    const step = complete(workerId, incarnation, commandId, attempt, response);
    return await this.parts.writes.submit(step);
  }

  async observe(told: Observation | HealthReport): Promise<"recorded" | Dismissal> {
    const { workerId, incarnation } = this.registration;
    return await this.parts.writes.submit(observe(workerId, incarnation, told));
  }

  standing(instanceIds: string[]): Promise<Map<string, Standing>> {
    const { tables, writes } = this.parts;
    return writes.read(() => {
      const standing = new Map<string, Standing>();
      for (const instanceId of instanceIds) {
        const row = tables.instances.get(instanceId);
        const hasOpenCommand = tables.commands.of(instanceId).length > 0;
        if (row) standing.set(instanceId, { ...runStandingOf(row), hasOpenCommand });
      }
      return standing;
    });
  }

  /** A log in this process is never away without it, but it may be silent itself: stopped, or on a host that slept. */
  whenBack(listener: (held: Held) => void): void {
    this.#compare = listener;
  }

  serveQueries(answer: (query: Query) => Promise<QueryAnswer>): void {
    const { site, workerId } = this.registration;
    this.parts.queries.serve(site, workerId, answer, () => this.#present() !== null);
  }

  leave(): Promise<void> {
    const { workerId, incarnation } = this.registration;
    return this.parts.writes.submit(leave(workerId, incarnation));
  }

  #held(): Held {
    const { workerId, incarnation, site } = this.registration;
    const { tables } = this.parts;
    const mine = acceptedBy(tables, workerId);
    const idsOf = (isOwn: boolean) =>
      mine.filter(({ accepted }) => (accepted!.incarnation === incarnation) === isOwn)
        .map(({ command }) => command.messageId);
    return { accepted: idsOf(true), left: idsOf(false), placed: placedAt(tables, site) };
  }

  #dismissal(): Dismissal {
    const { workerId, incarnation } = this.registration;
    return dismissalOf(this.parts.tables, workerId, incarnation);
  }

  #present(): WorkerRow | null {
    const { workerId, incarnation } = this.registration;
    return presentWorker(this.parts.tables, workerId, incarnation);
  }
}

function runStandingOf(
  { generation, runId, runtimeInfo }: InstanceRow,
): Omit<Standing, "hasOpenCommand"> {
  const startedAt = runId === null || runtimeInfo === null
    ? null
    : JSON.parse(runtimeInfo).startedAt;
  return { generation, runId, startedAt };
}
