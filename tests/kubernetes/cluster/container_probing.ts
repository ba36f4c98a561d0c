/** The probes of one run of a container, and what they make of it: started, ready, or to be ended. */
import { type Execute, probeOnce, RepeatedProbe } from "./container_probes.ts";
import type { Container, Probe } from "./kube_objects.ts";

/** What follows from the probes. */
export interface ProbingTold {
  /** Started or ready is other than it was. */
  changed(): void;
  failed(message: string): void;
  /** It is to be ended, and run again. */
  givesUp(kind: string): void;
}

/** Begins with the run, and is to be ended after it. */
export class ContainerProbing {
  readonly #container: Container;
  readonly #execute: Execute;
  readonly #told: ProbingTold;
  readonly #probes: RepeatedProbe[] = [];
  #isStarted: boolean;
  #isReady: boolean;
  #isOver = false;

  constructor(container: Container, execute: Execute, told: ProbingTold) {
    this.#container = container;
    this.#execute = execute;
    this.#told = told;
    this.#isStarted = !container.startupProbe;
    this.#isReady = this.#isStarted && !container.readinessProbe;
    if (container.startupProbe) this.#begin("Startup", container.startupProbe);
    else this.#beginLater();
  }

  /** Whether it has started, as its startup probe says. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Whether it is ready, as its readiness probe says. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** From now on no probe counts. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#probes.map((probe) => probe.end()));
  }

  #beginLater(): void {
    const { readinessProbe, livenessProbe } = this.#container;
    if (livenessProbe) this.#begin("Liveness", livenessProbe);
    if (readinessProbe) this.#begin("Readiness", readinessProbe);
  }

  #begin(kind: "Startup" | "Readiness" | "Liveness", probe: Probe): void {
    const once = () => probeOnce(probe, this.#container, this.#execute);
    const repeated = new RepeatedProbe(probe, once, (verdict, { isOk, message }) => {
      if (this.#isOver) return;
      if (!isOk) this.#told.failed(`${kind} probe failed: ${message}`);
      if (kind === "Readiness") this.#setReady(verdict);
      else if (verdict === "failure") {
        this.#isOver = true;
        this.#told.givesUp(kind.toLowerCase());
      } else if (verdict === "success" && kind === "Startup") {
        // Not waited for: it is this very probe that is told of.
        void repeated.end();
        this.#isStarted = true;
        this.#isReady = !this.#container.readinessProbe;
        this.#beginLater();
        this.#told.changed();
      }
    });
    this.#probes.push(repeated);
  }

  #setReady(verdict: "success" | "failure" | null): void {
    if (verdict === null || this.#isReady === (verdict === "success")) return;
    this.#isReady = verdict === "success";
    this.#told.changed();
  }
}
