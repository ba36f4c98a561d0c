/** Asks containers how they are: whether a new one is ready, and a live one of use, again and again. */
import { sleep } from "../../events/clock.ts";
import { reasonOf } from "../../events/errors.ts";
import { type HealthReport, REASON_CHARACTERS_MAX, type StartStep } from "../../events/health.ts";
import { componentsInError } from "../component_probe.ts";
import { judgeHealth, type ProbeResult, UNPROBED } from "../health_judgement.ts";
import { networkProblem, withLimit } from "../network_probe.ts";
import type { StartSpec } from "../platform.ts";
import { outputMask } from "../printed_output.ts";
import { startReport } from "../start_outcomes.ts";
import { waitUntilReady } from "../readiness.ts";
import { durationText } from "../exit_description.ts";
import {
  type ContainerQuestion,
  type ContainerReadiness,
  type KeptPlan,
  lineTest,
} from "../templates/image.ts";
import type { WatchedContainer } from "./container_watch.ts";
import type { DockerSite } from "./docker_site.ts";
import type { Run } from "./run_info.ts";

/** One question of a readiness may take so long. */
const ANSWER_WITHIN_MS = 2_000;
/** A connection that the daemon cannot pass on ends before this. */
const LASTS_MS = 100;
const ANY_ADDRESS = "0.0.0.0";

type Liveness = NonNullable<KeptPlan["liveness"]>;
type LineAsked = Extract<ContainerReadiness, { kind: "log" }>;

export class ContainerHealth {
  /** By container: those that are asked. */
  readonly #asked = new Set<string>();
  readonly #closing = new AbortController();

  constructor(
    private readonly site: DockerSite,
    private readonly onHealth: (report: HealthReport) => void,
  ) {}

  /** Tells where a start is; a step with the time at which it began. */
  tellStart(spec: StartSpec, step: StartStep, since: number, reason: string | null): void {
    this.onHealth(startReport(spec, step, since, reason));
  }

  /** What is last wrong when the time is over; null once it is ready. */
  async untilReady(
    spec: StartSpec,
    { run }: WatchedContainer,
    readiness: ContainerReadiness,
    signal: AbortSignal,
  ): Promise<string | null> {
    const since = this.site.clock.now();
    const reading = new AbortController();
    const ask = readiness.kind === "log"
      ? this.#askForLine(run, readiness, AbortSignal.any([signal, reading.signal]))
      : () => this.#problem(run, readiness, ANSWER_WITHIN_MS, signal);
    try {
      return await waitUntilReady(readiness, this.site.clock, signal, async () => {
        const problem = await ask();
        if (problem !== null) this.tellStart(spec, "waiting-for-readiness", since, problem);
        return problem;
      });
    } finally {
      reading.abort();
    }
  }

  /** Asks a container from now on, until it ends; one that is asked already is left at that. */
  follow(watched: WatchedContainer): void {
    const { state, labels } = watched.run;
    const { liveness } = labels.plan;
    if (liveness === null || this.#asked.has(state.id)) return;
    this.#asked.add(state.id);
    const ending = new AbortController();
    const end = () => ending.abort();
    this.#closing.signal.addEventListener("abort", end, { once: true });
    void watched.ended.then(() => {
      end();
      this.#asked.delete(state.id);
      this.#closing.signal.removeEventListener("abort", end);
    });
    void this.#askOn(watched, liveness, ending.signal);
  }

  close(): void {
    this.#closing.abort();
  }

  async #askOn(
    watched: WatchedContainer,
    liveness: Liveness,
    signal: AbortSignal,
  ): Promise<void> {
    const { run } = watched;
    const { instanceId, runId, fence } = run.labels;
    let known = UNPROBED;
    while (!signal.aborted) {
      const result = await this.#ask(run, liveness, signal);
      if (signal.aborted) return;
      known = judgeHealth(known, result, liveness);
      const { health, cause, reason, components } = known;
      if (health !== null && !watched.isAsked) {
        this.onHealth({
          instanceId,
          runId,
          runGeneration: fence.generation,
          health,
          ...(cause === null ? {} : { cause }),
          ...(reason === null ? {} : { reason: reason.slice(0, REASON_CHARACTERS_MAX) }),
          ...(components.length === 0 ? {} : { components: [...components] }),
        });
      }
      await sleep(this.site.clock, liveness.intervalMs, signal);
    }
  }

  async #ask(run: Run, liveness: Liveness, signal: AbortSignal): Promise<ProbeResult> {
    const { question, components: asked, timeoutMs } = liveness;
    const problem = await this.#problem(run, question, timeoutMs, signal);
    if (problem !== null) return { problem };
    if (asked === null) return { problem, components: [] };
    const { clock, secrets } = this.site;
    const at = publishedAt(this.site, run, asked.port);
    if (at === null) return { problem: null, components: [] };
    const mask = await outputMask(secrets, run.labels.plan.given);
    const url = `http://${at.host}:${at.port}${asked.path}`;
    const ask = (limit: AbortSignal) => componentsInError(url, limit, mask);
    const found = await withLimit(clock, timeoutMs, signal, ask);
    return "problem" in found
      ? { problem: mask(found.problem) }
      : { problem: null, components: found.components };
  }

  #problem(
    run: Run,
    question: ContainerQuestion,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<string | null> {
    return withLimit(this.site.clock, timeoutMs, signal, async (limit) => {
      if (question.kind === "command") {
        return await this.#programProblem(run, question.argv, timeoutMs, limit);
      }
      const at = publishedAt(this.site, run, question.port);
      if (at === null) return `port ${question.port} of the container is not published`;
      if (question.kind === "tcp") return await this.#listenProblem(at.host, at.port, limit);
      const checks = [{ url: `http://${at.host}:${at.port}${question.path}` }];
      return await networkProblem({ kind: "http", checks }, timeoutMs, limit);
    });
  }

  /**
   * The daemon itself takes connections to a published port, and lets go of them at once where nobody listens in the
   * container: one that lasts for a moment, or on which something comes, is the server's.
   */
  async #listenProblem(
    hostname: string,
    port: number,
    limit: AbortSignal,
  ): Promise<string | null> {
    const nobody = `nobody listens in the container behind ${hostname}:${port}`;
    try {
      using connection = await Deno.connect({ hostname, port, signal: limit });
      const lasted = new AbortController();
      const lasts = sleep(this.site.clock, LASTS_MS, lasted.signal).then(() => 1);
      const read = connection.read(new Uint8Array(1)).catch(() => null);
      const got = await Promise.race([read, lasts]);
      lasted.abort();
      return got === null ? nobody : null;
    } catch (error) {
      return `${nobody} (${reasonOf(error)})`;
    }
  }

  async #programProblem(
    { state }: Run,
    argv: readonly string[],
    timeoutMs: number,
    limit: AbortSignal,
  ): Promise<string | null> {
    const [name = ""] = argv;
    try {
      const code = await this.site.talk.execute(state.id, argv, limit);
      if (code === "still-running") {
        return "a probe before it is still running in the container";
      }
      if (code === null) return `${name} did not end within ${durationText(timeoutMs)}`;
      return code === 0 ? null : `${name} ended with ${code}`;
    } catch (error) {
      return `${name} could not be run (${reasonOf(error)})`;
    }
  }

  #askForLine(
    run: Run,
    asked: LineAsked,
    signal: AbortSignal,
  ): () => Promise<string | null> {
    let isThere = false;
    // A daemon that is away shows as a line that does not come.
    void this.#untilLine(run, lineTest(asked), signal).then((found) => isThere = found, () => {});
    const wanted = JSON.stringify(asked.contains ?? asked.matches);
    return () => Promise.resolve(isThere ? null : `no line of its output has ${wanted} yet`);
  }

  /** Reads on until the line is there; nobody has to ask again for what was read before. */
  async #untilLine(
    { state }: Run,
    isIt: (line: string) => boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    for await (const { text } of this.site.talk.printed(state.id, { follows: true, signal })) {
      if (isIt(text)) return true;
    }
    return false;
  }
}

/** Where a port of a container is reached; null: it is not published. */
function publishedAt(
  site: DockerSite,
  { state, labels }: Run,
  ofContainer: number,
): { host: string; port: number } | null {
  const port = state.ports.get(ofContainer);
  return port === undefined ? null : { host: addressOf(site, labels.plan.host), port };
}

/** Where a port is reached that is published at `host` of the daemon's host. */
function addressOf({ identity }: DockerSite, host: string): string {
  return host === ANY_ADDRESS || identity.address !== "127.0.0.1" ? identity.address : host;
}
