/** Runs a plan from an empty world through its requests and faults to rest, and judges it on the way. The same plan, the same run. */
import type { InstanceState } from "../../machines/lifecycle.ts";
import { Cluster } from "./cluster.ts";
import { isFault, type Plan, type Step } from "./plan.ts";
import type { RunResult, Violation } from "./run_result.ts";
import { SimLog } from "./sim_log.ts";
import { SimUsers } from "./sim_users.ts";
import { calm, strike } from "./strike.ts";

/** Longer than the longest lease, the longest deadline and the slowest fault that was begun. */
const REST_MS = 120_000;
/** The world is looked at so often while it comes to rest. */
const LOOK_EVERY_MS = 5_000;
const STEPS_PER_FULL_CHECK = 100;

export async function runPlan(plan: Plan): Promise<RunResult> {
  const run = new Run(plan);
  // A library of ours reads the clock by itself.
  const { now } = Date;
  Date.now = () => Math.floor(run.cluster.time.now);
  try {
    return await run.toEnd();
  } finally {
    Date.now = now;
  }
}

class Run {
  readonly cluster: Cluster;
  private readonly log: SimLog;
  private readonly users: SimUsers;
  private violation: Violation | null = null;
  private steps = 0;
  private struck = 0;

  constructor(private readonly plan: Plan) {
    this.cluster = new Cluster(plan);
    this.log = new SimLog(this.cluster);
    this.users = new SimUsers(this.cluster, { onAsked() {}, onTold() {}, onRead() {} });
    this.cluster.onRolledBack = () => {
      const lost = this.log.dropLost();
      this.cluster.say(`redis has lost its last ${lost.length} events`);
    };
  }

  async toEnd(): Promise<RunResult> {
    const { cluster, plan } = this;
    cluster.start();
    for (const step of plan.steps) cluster.time.after(step.atMs, () => this.act(step));
    await this.until(plan.shape.busyMs);
    calm(cluster);
    await this.until(plan.shape.busyMs + REST_MS);
    return {
      violation: this.violation,
      story: cluster.story,
      digest: digestOf(cluster),
      requests: this.users.asked,
      faults: this.struck,
      events: this.log.events.length,
      coverage: cluster.reached,
    };
  }

  private act(step: Step): void {
    if (!isFault(step)) return this.users.act(step);
    if (strike(this.cluster, step)) this.struck++;
  }

  private async until(endMs: number): Promise<void> {
    const { time } = this.cluster;
    while (!this.violation && time.next <= endMs) {
      await time.step();
      await this.log.news();
      this.steps++;
      if (this.cluster.bugs.length > 0) {
        this.violation = {
          invariant: "nothing is a bug",
          found: String((this.cluster.bugs[0] as Error).stack),
        };
      }
    }
  }
  get stepsDone() {
    return this.steps;
  }
}

function digestOf({ time, story }: Cluster): string {
  let hash = time.trace;
  for (const line of story) {
    for (let index = 0; index < line.length; index++) {
      hash = Math.imul(hash ^ line.charCodeAt(index), 0x01000193);
    }
  }
  return (hash >>> 0).toString(16);
}
