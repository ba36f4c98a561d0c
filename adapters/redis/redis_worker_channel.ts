/** The `WorkerChannel` port in Redis: one incarnation's side of the bus. Design §4, §5. */
import { type Clock, sleep } from "../../events/clock.ts";
import { ComparePace } from "../../events/compare_pace.ts";
import type { Query, QueryAnswer } from "../../events/site_query.ts";
import type { Command } from "../../events/commands.ts";
import { OperationalError } from "../../events/errors.ts";
import { metricsText, type RunMetrics } from "../../events/metrics.ts";
import type { HealthReport } from "../../events/health.ts";
import type { Observation } from "../../events/observations.ts";
import type { InstanceResponse } from "../../events/responses.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
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
import { commandsOf, type StoredCommand, storedCommands } from "./command_records.ts";
import { CommandOffers } from "./command_offers.ts";
import { retriedWithKeys } from "./redis_event_log.ts";
import type { RedisLink } from "./redis_link.ts";
import type { SiteQuestions } from "./site_questions.ts";
import { type ToldEvent, toldEvent } from "./stored_entries.ts";

/** A worker that beat within this time counts as alive. Design §4 rule 8. */
const BEATS_WITHIN_MS = 5_000;
/** Former incarnations that are remembered for each worker. */
const RETIRED_MAX = 64;
/** Instances whose standing is asked for at once. */
const STANDING_PAGE = 500;
/** What the log holds of a worker is asked again after this. */
const HELD_RETRY_MS = 250;

export class RedisWorkerChannel implements WorkerChannel {
  private readonly offers: CommandOffers;
  private readonly leaving = new AbortController();
  private whenMoved: () => void = () => {};
  private readonly pace = new ComparePace();

  constructor(
    private readonly link: RedisLink,
    private readonly registration: Readonly<Registration>,
    private readonly questions: SiteQuestions,
    private readonly clock: Clock,
  ) {
    this.offers = new CommandOffers(link, registration, clock);
  }

  async register(): Promise<RegisterOutcome> {
    const { workerId, incarnation, machineId, platform, site, slots, version, labels } = this
      .registration;
    const { keys } = this.link;
    const answer = await this.link.write(
      "register",
      [
        keys.control(workerId),
        ...keys.workerStreams(platform, site),
        keys.queries(platform, site),
      ],
      [
        workerId,
        incarnation,
        machineId,
        platform,
        site,
        slots,
        version,
        JSON.stringify(labels),
        BEATS_WITHIN_MS,
        RETIRED_MAX,
      ],
    ) as [string, string?];
    if (answer[0] === "refused") return { kind: "refused", reason: this.refusal(answer[1]!) };
    const [inherited, placed] = await Promise.all([this.inherited(), this.placed()]);
    return { kind: "registered", inherited, placed };
  }

  async heartbeat(busy: number, metrics?: readonly RunMetrics[]): Promise<"ok" | Dismissal> {
    const answer = metrics
      ? await this.step("heartbeat", [busy, metricsText(metrics)], [this.link.keys.metrics])
      : await this.step("heartbeat", [busy]);
    if (answer[0] !== "ok") return this.gone(answer[1]);
    if (this.pace.isDue(Number(answer[1]))) this.whenMoved();
    return "ok";
  }

  take(max: number, waitMs: number): Promise<Command[]> {
    return this.offers.take(max, waitMs);
  }

  async accept(commandId: string): Promise<AcceptOutcome> {
    const { workerId, incarnation } = this.registration;
    const stream = this.offers.streamOf(commandId);
    const answer = await retriedWithKeys((missing) =>
      this.link.write("accept", [...stream, ...missing], [workerId, incarnation, commandId])
    ) as string[];
    if (answer[0] === "accepted") {
      return { kind: "accepted", attempt: Number(answer[1]), settle: answer[2] === "1" };
    }
    return { kind: "refused", reason: this.reason(answer[1]) as "ended" };
  }

  async complete(
    commandId: string,
    attempt: number,
    response: InstanceResponse,
  ): Promise<CompleteOutcome> {
    const { workerId } = this.registration;
    const data = textOf({ commandId, attempt, workerId, response });
    const answer = await this.step("complete", [data]);
    return answer[0] === "completed"
      ? { kind: "completed", event: toldEvent(answer[1] as unknown as ToldEvent) }
      : { kind: "refused", reason: this.reason(answer[1]) as "ended" };
  }

  async observe(told: Observation | HealthReport): Promise<"recorded" | Dismissal> {
    const { workerId } = this.registration;
    const data = textOf({ ...told, workerId });
    try {
      const answer = await this.step("observe", [data]);
      return answer[0] === "recorded" ? "recorded" : this.gone(answer[1]);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("DRAASINSTANCE")) {
        throw unknownInstance(told.instanceId);
      }
      throw error;
    }
  }

  async standing(instanceIds: string[]): Promise<Map<string, Standing>> {
    const { link } = this;
    const standing = new Map<string, Standing>();
    for (let from = 0; from < instanceIds.length; from += STANDING_PAGE) {
      const ids = instanceIds.slice(from, from + STANDING_PAGE);
      const [versions, runs] = await Promise.all([
        link.ask("HMGET", link.keys.versions, ...ids),
        link.ask("HMGET", link.keys.runs, ...ids),
      ]) as [(string | null)[], (string | null)[]];
      ids.forEach((id, index) => {
        const [, generation, , , commands] = versions[index]?.split(" ") ?? [];
        if (generation === undefined) return;
        const { runId = null, info } = JSON.parse(runs[index] ?? "{}");
        const startedAt = runId === null ? null : info?.startedAt ?? null;
        standing.set(id, {
          generation: Number(generation),
          runId,
          startedAt,
          hasOpenCommand: Boolean(commands),
        });
      });
    }
    return standing;
  }

  whenBack(listener: (held: Held) => void): void {
    this.whenMoved = () => void this.tellHeld(listener);
    const watching = this.link.watch(({ kind }) => {
      if (kind === "back") this.whenMoved();
    });
    this.leaving.signal.addEventListener("abort", () => watching.close());
  }

  serveQueries(answer: (query: Query) => Promise<QueryAnswer>): void {
    const { platform, site, workerId } = this.registration;
    void this.questions.serve(platform, site, workerId, answer, this.leaving.signal);
  }

  async leave(): Promise<void> {
    const { workerId, incarnation } = this.registration;
    this.letGo();
    const args = [workerId, "left", incarnation];
    await this.link.write("stand", [this.link.keys.control(workerId)], args);
  }

  /** The connections that wait for commands and questions. */
  letGo(): void {
    this.leaving.abort();
    this.offers.letGo();
  }

  private async step(
    name: string,
    args: (string | number)[],
    keys: string[] = [],
  ): Promise<string[]> {
    const { workerId, incarnation } = this.registration;
    return await this.link.write(name, keys, [workerId, incarnation, ...args]) as string[];
  }

  private async tellHeld(listener: (held: Held) => void): Promise<void> {
    const { incarnation } = this.registration;
    const { signal } = this.leaving;
    while (!signal.aborted) {
      try {
        const [mine, placed] = await Promise.all([this.acceptedByAny(), this.placed()]);
        const idsOf = (isOwn: boolean) =>
          mine.filter(({ accepted }) => (accepted?.incarnation === incarnation) === isOwn)
            .map(({ commandId }) => commandId);
        if (!signal.aborted) listener({ accepted: idsOf(true), left: idsOf(false), placed });
        return;
      } catch (error) {
        // Away again, or too slow: an answer of the log that was lost would wait for ever.
        if (!(error instanceof OperationalError)) throw error;
        await sleep(this.clock, HELD_RETRY_MS, signal);
      }
    }
  }

  /** What this worker has accepted, in whatever life. */
  private async acceptedByAny(): Promise<StoredCommand[]> {
    const { workerId } = this.registration;
    const all = await storedCommands(this.link);
    return all.filter(({ accepted }) => accepted?.workerId === workerId);
  }

  private async inherited(): Promise<Command[]> {
    const { incarnation } = this.registration;
    const mine = (await this.acceptedByAny()).filter(({ accepted }) =>
      accepted?.incarnation !== incarnation
    );
    return [...(await commandsOf(this.link, mine)).values()];
  }

  private async placed(): Promise<RuntimeInfo[]> {
    const { link } = this;
    const { site } = this.registration;
    const members = await link.ask(
      "ZRANGEBYLEX",
      link.keys.placed,
      `[${site}|`,
      // After `|` comes `}`: everything of the site lies between.
      `(${site}}`,
    ) as string[];
    const ids = members.map((member) => member.slice(site.length + 1));
    const runs: RuntimeInfo[] = [];
    for (let from = 0; from < ids.length; from += STANDING_PAGE) {
      const page = ids.slice(from, from + STANDING_PAGE);
      const texts = await link.ask("HMGET", link.keys.runs, ...page) as (string | null)[];
      for (const text of texts) {
        const { info } = JSON.parse(text ?? "{}");
        if (info) runs.push(info);
      }
    }
    return runs;
  }

  private refusal(why: string): string {
    const { workerId } = this.registration;
    return why === "retired"
      ? "this incarnation was superseded or given up; start the worker anew"
      : `worker ${workerId} is alive on another machine; give this one another id`;
  }

  private reason(why: string | undefined): string {
    return why === "superseded" || why === "unknown" ? this.gone(why) : why ?? "ended";
  }

  /** This incarnation is over: nothing more is waited for. */
  private gone(why: string | undefined): Dismissal {
    this.letGo();
    return why === "superseded" ? why : "unknown";
  }
}

/**
 * What a worker tells, as JSON. Half a character (a server's output that was cut) becomes U+FFFD: Redis' Lua takes it for
 * no JSON, and the report would never get through.
 */
function textOf(told: object): string {
  return JSON.stringify(told).replace(
    /\\(?:ud[89a-f][0-9a-f]{2}|.)/g,
    (escape) => escape.length > 2 ? "\ufffd" : escape,
  );
}

function unknownInstance(instanceId: string): OperationalError {
  return new OperationalError(
    "unknown_instance",
    `The log knows of no instance ${instanceId}.`,
    false,
    "Ask for its standing before a report; what the log does not know is another fleet's.",
  );
}
