/** The port to images, output and events of a Docker daemon, by dockerode. */
// @ts-types="./dockerode.d.ts"
import type Docker from "dockerode";
// @ts-types="./dockerode.d.ts"
import type { ByteStream, Exec } from "dockerode";
import type { PrintedLine, PrintedReading } from "../printed_output.ts";
import type { EndListeners, EngineTalk, ProgramEnd, UsageSample } from "./container_engine.ts";
import { namespaceLabel } from "./container_labels.ts";
import type { EngineCalls } from "./engine_calls.ts";
import { pullError } from "./engine_failure.ts";
import { PrintedFrames } from "./printed_frames.ts";
import { type LayerNews, PullProgress } from "./pull_progress.ts";
import type { RegistryLogins } from "./registry_logins.ts";

const NANO = 1_000_000_000;
/** Containers whose last program is remembered. */
const PROGRAMS_MAX = 1_000;

export class DockerodeTalk implements EngineTalk {
  /** By container: the last program that was run in it and did not end in time. */
  readonly #late = new Map<string, Exec>();

  constructor(
    private readonly docker: Docker,
    private readonly calls: EngineCalls,
    private readonly namespace: string,
    private readonly logins: RegistryLogins,
  ) {}

  async pull(
    image: string,
    onProgress: (words: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { credentials, problem } = await this.logins.loginFor(image, signal);
    const progress = new PullProgress(image);
    const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
    const breakOff = () => abort(new Error("it was broken off"));
    signal.addEventListener("abort", breakOff, { once: true });
    if (signal.aborted) breakOff();
    let stream: ByteStream | undefined;
    try {
      const asked = this.docker.pull(image, credentials ? { authconfig: credentials } : {});
      // The daemon pulls on for as long as somebody listens.
      asked.then((late) => signal.aborted && late.destroy(), () => {});
      stream = await Promise.race([asked, aborted]);
      const pulled = new Promise<void>((resolve, reject) =>
        this.docker.modem.followProgress(
          stream!,
          (error: Error | null) => error ? reject(error) : resolve(),
          (news: LayerNews) => {
            if (news.error !== undefined) reject(new Error(news.error));
            else onProgress(progress.hear(news));
          },
        )
      );
      await Promise.race([pulled, aborted]);
    } catch (error) {
      throw this.calls.wayError(error) ?? pullError(image, error, problem);
    } finally {
      signal.removeEventListener("abort", breakOff);
      stream?.destroy();
    }
  }

  async *printed(
    id: string,
    { tail, since, stream: only, follows, signal }: PrintedReading,
  ): AsyncIterable<PrintedLine> {
    const options = {
      stdout: only !== "stderr",
      stderr: only !== "stdout",
      timestamps: true,
      follow: follows,
      ...(tail === undefined ? {} : { tail }),
      ...(since === undefined ? {} : { since }),
    };
    const stream = await this.calls.answerUnless(
      signal,
      (begun) => this.logs(id, options, begun),
      { instead: { 404: null } },
    );
    if (stream === null) return;
    const frames = new PrintedFrames();
    for await (const bytes of untilAborted(stream, signal)) yield* frames.push(bytes);
    yield* frames.end();
  }

  async watchEnds({ onOpen, onEnd }: EndListeners, signal: AbortSignal): Promise<void> {
    const filters = {
      type: ["container"],
      event: ["die"],
      label: [namespaceLabel(this.namespace)],
    };
    const stream = await this.calls.answerUnless(
      signal,
      (abortSignal) => this.docker.getEvents({ filters, abortSignal }),
    );
    if (stream === null) return;
    onOpen();
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of untilAborted(stream, signal)) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") onEnd(containerIn(JSON.parse(line)));
    }
  }

  async usage(id: string): Promise<UsageSample | null> {
    const options = { stream: false, "one-shot": true } as const;
    const found = await this.calls.answer(
      (abortSignal) => this.docker.getContainer(id).stats({ ...options, abortSignal }),
      { instead: { 404: null, 409: null } },
    );
    const { usage, stats = {} } = found?.memory_stats ?? {};
    if (!found || usage === undefined) return null;
    // By control groups of version 2, then of version 1.
    const cached = stats.inactive_file ?? stats.total_inactive_file ?? 0;
    return {
      cpuSeconds: found.cpu_stats.cpu_usage.total_usage / NANO,
      memoryBytes: Math.max(0, usage - cached),
      processes: found.pids_stats.current ?? 0,
    };
  }

  async execute(
    id: string,
    argv: readonly string[],
    signal: AbortSignal,
  ): Promise<ProgramEnd> {
    const instead = { 404: null, 409: null };
    const before = this.#late.get(id);
    const found = before && await this.calls.answerUnless(
      signal,
      (abortSignal) => before.inspect({ abortSignal }),
      { instead },
    );
    if (signal.aborted) return null;
    if (found?.Running) return "still-running";
    this.#late.delete(id);
    const exec = await this.calls.answerUnless(
      signal,
      (abortSignal) =>
        this.docker.getContainer(id).exec({
          Cmd: [...argv],
          AttachStdout: true,
          AttachStderr: true,
          abortSignal,
        }),
      { instead },
    );
    if (exec) this.#remember(id, exec);
    const stream = exec && await this.calls.answerUnless(
      signal,
      (abortSignal) => exec.start({ abortSignal }),
      { instead },
    );
    if (!stream) return null;
    // What it prints is not kept: it may be a secret, or without end.
    for await (const _ of untilAborted(stream, signal));
    if (signal.aborted) return null;
    const { ExitCode } = await this.calls.answer((abortSignal) => exec.inspect({ abortSignal }));
    this.#late.delete(id);
    return ExitCode;
  }

  #remember(id: string, exec: Exec): void {
    const [oldest] = this.#late.keys();
    if (oldest !== undefined && this.#late.size >= PROGRAMS_MAX) this.#late.delete(oldest);
    this.#late.set(id, exec);
  }

  /** A stream in any case, which can be left early: all at once may be more than there is room for. */
  private logs(
    id: string,
    options: Record<string, unknown>,
    abortSignal: AbortSignal,
  ): Promise<ByteStream> {
    const { promise, resolve, reject } = Promise.withResolvers<ByteStream>();
    const path = `/containers/${id}/logs?`;
    const statusCodes = { 200: true, 404: "no such container", 500: "server error" } as const;
    this.docker.modem.dial(
      { path, method: "GET", isStream: true, statusCodes, options, abortSignal },
      (error, stream) => error ? reject(error) : resolve(stream),
    );
    return promise;
  }
}

/** Whose end an event tells. Daemons of API 1.52 and later say so in `Actor` alone. */
function containerIn(event: { id?: string; Actor?: { ID?: string } }): string {
  return event.Actor?.ID ?? event.id ?? "";
}

/** The stream until its end; an abort, or the loss of its connection, ends it too. */
async function* untilAborted(stream: ByteStream, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const end = () => stream.destroy();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  try {
    for await (const bytes of stream) yield bytes;
  } catch {
    // Whoever reads looks for itself what it has missed.
  } finally {
    signal.removeEventListener("abort", end);
    stream.destroy();
  }
}
