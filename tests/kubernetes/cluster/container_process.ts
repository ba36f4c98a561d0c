/** One run of a container: a process of this host with a session of its own, which ends as a whole. */
import { ContainerLog } from "./container_logs.ts";

/** What to run. */
export interface ProcessPlan {
  argv: readonly string[];
  env: Record<string, string>;
  cwd: string;
  /**
   * Whether it behaves as the first process of a container, to which the kernel delivers no signal
   * but SIGKILL that it has no handler for.
   */
  isPid1: boolean;
}

/** How a run ended. */
export interface ProcessEnd {
  /** 128 + n for a signal, as kubelets tell it. */
  exitCode: number;
  finishedAtMs: number;
}

/** A run. */
export class ContainerProcess {
  readonly log: ContainerLog = new ContainerLog();
  readonly startedAtMs: number = Date.now();
  readonly containerId: string = crypto.getRandomValues(new Uint8Array(32)).toHex();
  readonly ended: Promise<ProcessEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #isPid1: boolean;
  #isOver = false;

  /** @throws {Error} when there is no such program */
  constructor({ argv, env, cwd, isPid1 }: ProcessPlan) {
    const [program = "", ...args] = argv;
    this.#isPid1 = isPid1;
    this.#child = new Deno.Command(program, {
      args,
      env,
      cwd,
      clearEnv: true,
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.ended = this.#untilEnd();
  }

  /** Of its first process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the signal would do anything to it. */
  minds(signal: Deno.Signal): boolean {
    return signal === "SIGKILL" || !this.#isPid1 || catches(this.pid, signal);
  }

  /** Signals its first process, as the container runtime does; SIGKILL ends all of it. */
  signal(signal: Deno.Signal): void {
    if (this.#isOver) return;
    if (signal === "SIGKILL") this.#killAll();
    else if (this.minds(signal)) sendSignal(this.pid, signal);
  }

  async #untilEnd(): Promise<ProcessEnd> {
    const kept = Promise.all([
      this.log.keep(this.#child.stdout),
      this.log.keep(this.#child.stderr),
    ]);
    const { code } = await this.#child.status;
    const finishedAtMs = Date.now();
    this.#isOver = true;
    // A container ends with its first process: what that left behind holds the pipes open.
    this.#killAll();
    await kept;
    this.log.end();
    return { exitCode: code, finishedAtMs };
  }

  #killAll(): void {
    sendSignal(-this.pid, "SIGKILL");
  }
}

function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    // It ended in between.
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}

const NUMBERS: Partial<Record<Deno.Signal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
};

function catches(pid: number, signal: Deno.Signal): boolean {
  const number = NUMBERS[signal];
  if (number === undefined) return true;
  try {
    const [, mask = "0"] = /SigCgt:\s*([0-9a-f]+)/.exec(
      Deno.readTextFileSync(`/proc/${pid}/status`),
    ) ?? [];
    return (BigInt(`0x${mask}`) >> BigInt(number - 1) & 1n) === 1n;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
