/** The JSON of instances that are read again and again: made once for what there is to tell, not for each who asks. */
import type { MetricsOfRuns } from "../actors/system_port.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { failureView, workerToHear } from "./health_view.ts";
import { instanceView } from "./instance_view.ts";

/** Of as many instances a text is kept, where it is no longer than this: about a kilobyte, mostly. */
const KEPT_MAX = 1_000;
const CHARACTERS_MAX = 16_384;

interface Shown {
  text: string;
  /** What it tells of: a state is never changed, a new one takes its place. */
  state: InstanceState;
  isSilent: boolean;
  sampledAt: number | undefined;
}

export class ShownInstances {
  /** The one that was made first is first. */
  private readonly kept = new Map<string, Shown>();

  /** The instance by itself, as `instanceView` shows it, and how its last run failed. */
  textOf(
    state: InstanceState,
    isSilent: (workerId: string) => boolean,
    metrics: MetricsOfRuns | undefined,
  ): string {
    const { instanceId, run } = state.context;
    const workerId = workerToHear(state);
    const now = {
      state,
      isSilent: workerId !== undefined && isSilent(workerId),
      sampledAt: metrics?.get(run?.runId ?? "")?.sampledAt,
    };
    const before = this.kept.get(instanceId);
    if (before && isSame(before, now)) return before.text;
    const view = { ...instanceView(state, isSilent, metrics), ...failureView(state) };
    const text = JSON.stringify(view);
    this.keep(instanceId, { ...now, text });
    return text;
  }

  private keep(instanceId: string, shown: Shown): void {
    this.kept.delete(instanceId);
    if (shown.text.length > CHARACTERS_MAX) return;
    this.kept.set(instanceId, shown);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT_MAX && oldest !== undefined) this.kept.delete(oldest);
  }
}

function isSame(a: Shown, b: Omit<Shown, "text">): boolean {
  return a.state === b.state && a.isSilent === b.isSilent && a.sampledAt === b.sampledAt;
}
