/** Probes of a running container: by a program, a connection or a request, as often as they say. */
import type { Container, Probe } from "./kube_objects.ts";

/** What one probe found. */
export interface ProbeResult {
  isOk: boolean;
  /** In the kubelet's words. */
  message: string;
}

/** Runs an argument list next to the container's process. */
export type Execute = (argv: readonly string[], timeoutMs: number) => Promise<ProbeResult>;

/** Probes once. */
export async function probeOnce(
  probe: Probe,
  container: Container,
  execute: Execute,
): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1_000;
  if (probe.exec) return execute(probe.exec.command, timeoutMs);
  if (probe.httpGet) return probeByHttp(probe.httpGet, container, timeoutMs);
  if (probe.tcpSocket) return probeByTcp(probe.tcpSocket, container, timeoutMs);
  return { isOk: true, message: "" };
}

async function probeByHttp(
  { port, path = "/", host = "127.0.0.1" }: NonNullable<Probe["httpGet"]>,
  container: Container,
  timeoutMs: number,
): Promise<ProbeResult> {
  const url = `http://${host}:${portOf(port, container)}${path.startsWith("/") ? "" : "/"}${path}`;
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  try {
    const response = await fetch(url, {
      client,
      redirect: "manual",
      headers: { "user-agent": "kube-probe/1.34", connection: "close" },
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    const isOk = response.status >= 200 && response.status < 400;
    return { isOk, message: isOk ? "" : `HTTP probe failed with statuscode: ${response.status}` };
  } catch (error) {
    const why = (error as Error).name === "TimeoutError"
      ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
      : `dial tcp ${host}:${portOf(port, container)}: connect: connection refused`;
    return { isOk: false, message: `Get "${url}": ${why}` };
  } finally {
    client.close();
  }
}

async function probeByTcp(
  { port, host = "127.0.0.1" }: NonNullable<Probe["tcpSocket"]>,
  container: Container,
  timeoutMs: number,
): Promise<ProbeResult> {
  const number = portOf(port, container);
  let timer: ReturnType<typeof setTimeout> | null = null;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("i/o timeout")), timeoutMs);
    });
    const connection = await Promise.race([
      Deno.connect({ hostname: host, port: number }),
      late,
    ]);
    connection.close();
    return { isOk: true, message: "" };
  } catch {
    return {
      isOk: false,
      message: `dial tcp ${host}:${number}: connect: connection refused`,
    };
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}

function portOf(port: number | string, { ports = [] }: Container): number {
  if (typeof port === "number") return port;
  return ports.find(({ name }) => name === port)?.containerPort ?? Number(port);
}

/** One probe of a container, repeated until it is ended. */
export class RepeatedProbe {
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #successes = 0;
  #failures = 0;
  #isEnded = false;
  #running: Promise<void> = Promise.resolve();

  /**
   * `told` hears every result: whether the threshold to either side is reached, and the message of
   * a failure.
   */
  constructor(
    private readonly probe: Probe,
    private readonly once: () => Promise<ProbeResult>,
    private readonly told: (verdict: "success" | "failure" | null, result: ProbeResult) => void,
  ) {
    this.#after((probe.initialDelaySeconds ?? 0) * 1_000);
  }

  /** Probes no more; done when the last one is over. */
  async end(): Promise<void> {
    this.#isEnded = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#running;
  }

  #after(delayMs: number): void {
    if (this.#isEnded) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#running = this.#probe();
    }, delayMs);
    this.#timers.add(timer);
  }

  async #probe(): Promise<void> {
    const result = await this.once();
    if (this.#isEnded) return;
    this.#successes = result.isOk ? this.#successes + 1 : 0;
    this.#failures = result.isOk ? 0 : this.#failures + 1;
    const { successThreshold = 1, failureThreshold = 3, periodSeconds = 10 } = this.probe;
    const verdict = this.#successes >= successThreshold
      ? "success"
      : this.#failures >= failureThreshold
      ? "failure"
      : null;
    this.told(verdict, result);
    this.#after(periodSeconds * 1_000);
  }
}
