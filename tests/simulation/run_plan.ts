/** Runs a plan from an empty world through its requests and faults to rest, and judges it on the way. The same plan, the same run. */
import { Cluster } from "./cluster.ts";
import { isFault, type Plan, type Step } from "./plan.ts";
import type { RunResult } from "./run_result.ts";
import { SimJudge } from "./sim_judge.ts";
import { SimLog } from "./sim_log.ts";
import { SimUsers } from "./sim_users.ts";
import { calm, strike } from "./strike.ts";

/** Longer than the longest lease, the longest deadline and the slowest fault that was begun. */
const REST_MS = 120_000;
/** What has changed lately counts as on its way; so no world is at rest before this. */
const REST_MS_MIN = 35_000;
const LOOK_EVERY_MS = 5_000;
/** Whoever found no node is served when all are up again. */
const LAST_TRY_MS = 2_000;
const STEPS_PER_LOOK = 100;
/** More than ten times those of the longest run: beyond them the world goes round in a circle. */
const STEPS_MAX = 400_000;

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
  private readonly judge: SimJudge;
  private readonly users: SimUsers;
  private steps = 0;
  private struck = 0;

  constructor(private readonly plan: Plan) {
    this.cluster = new Cluster(plan);
    this.log = new SimLog(this.cluster);
    this.judge = new SimJudge(this.cluster, plan);
    this.users = new SimUsers(this.cluster, this.judge, plan.shape.busyMs + LAST_TRY_MS);
    this.cluster.tables.onLook = () => this.judge.onEvents(this.log.news());
    this.cluster.onRolledBack = () => this.judge.onRolledBack(this.log.dropLost());
  }

  async toEnd(): Promise<RunResult> {
    const { cluster, plan, judge, users, log } = this;
    const { busyMs } = plan.shape;
    cluster.start();
    for (const step of plan.steps) cluster.time.after(step.atMs, () => this.act(step));
    await this.until(busyMs);
    calm(cluster);
    await this.until(busyMs + REST_MS_MIN);
    await this.rest(busyMs + REST_MS);
    return {
      violation: judge.violation,
      story: cluster.story,
      digest: digestOf(cluster),
      requests: users.asked,
      faults: this.struck,
      events: log.events.length,
      coverage: cluster.reached,
    };
  }

  private act(step: Step): void {
    if (!isFault(step)) return this.users.act(step);
    if (!strike(this.cluster, step)) return;
    this.struck++;
    this.judge.onFault(step);
  }

  private async until(endMs: number): Promise<void> {
    const { cluster, judge } = this;
    const { time } = cluster;
    while (!judge.violation && time.next <= endMs) {
      await time.step();
      if (cluster.redis) judge.onEvents(this.log.news());
      if (++this.steps % STEPS_PER_LOOK !== 0) continue;
      if (this.steps > STEPS_MAX) {
        judge.find({ invariant: "timeGoesOn", found: `${STEPS_MAX} steps came to no end` });
      }
      this.users.hangUp();
      judge.look();
    }
  }

  /** Goes on until nothing speaks against the world's being at rest; what does at the end is the violation. */
  private async rest(endMs: number): Promise<void> {
    const { cluster: { time }, judge } = this;
    while (!judge.violation) {
      this.users.hangUp();
      judge.look();
      const found = judge.lookAtRest(this.log.whole(), this.log.cut);
      if (!found) return;
      if (time.elapsed >= endMs - LOOK_EVERY_MS) return judge.find(found);
      await this.until(time.elapsed + LOOK_EVERY_MS);
    }
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
