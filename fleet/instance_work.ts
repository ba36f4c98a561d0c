/** Makes one instance what its plan says, step by step, each planned anew on what the instance has become. */
import type { AskOutcome } from "../actors/system_port.ts";
import { OperationalError } from "../events/errors.ts";
import { canonicalJson } from "../events/json.ts";
import type { Position } from "../events/envelope.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import { statusOf } from "../machines/status.ts";
import type { Difference } from "./differences.ts";
import { isPassing, planEntry, requestOf, type Step } from "./entry_plan.ts";
import type { PlanItem } from "./fleet_plan.ts";

/** What the work needs of the fleet. */
export interface FleetHands {
  /** The instance as it is now, deleted or not; undefined when there never was one. */
  look(id: string): Promise<InstanceState | undefined>;
  /** @param ifMatch the version of the specification that it is asked on; undefined: there is none yet */
  ask(id: string, request: InstanceRequest, ifMatch: number | undefined): Promise<AskOutcome>;
  /** Comes back when nothing is under way, or the time for that is over. */
  settled(id: string): Promise<void>;
}

/** Why an instance did not become what it is to be. */
export type WorkFailure =
  | OperationalError
  | (AskOutcome & { kind: "failed" | "rejected" | "unknown" });

/** What came of an instance. */
export type WorkEnd =
  | { kind: "done"; position: Position | null }
  | { kind: "failed"; failure: WorkFailure };

/** So often a race with others is looked at again. */
const LOOKS_MAX = 16;

/**
 * Does what the plan says. Nothing but that: what others have made of the instance meanwhile is left to them, and is
 * told; what they have done of the plan themselves is passed over. So it may be done twice, and at once.
 * @param begins hears of each step
 */
export async function workOn(
  item: PlanItem,
  fleet: string,
  hands: FleetHands,
  begins: (step: Step) => void,
): Promise<WorkEnd> {
  try {
    return await new InstanceWork(item, fleet, hands, begins).run();
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return { kind: "failed", failure: error };
  }
}

class InstanceWork {
  private position: Position | null = null;
  private readonly done = new Set<Step>();

  constructor(
    private readonly item: PlanItem,
    private readonly fleet: string,
    private readonly hands: FleetHands,
    private readonly begins: (step: Step) => void,
  ) {}

  async run(): Promise<WorkEnd> {
    const { hands, item } = this;
    if (item.predecessor !== null) await this.waitForPredecessor(item.predecessor);
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const state = await hands.look(item.id) ?? null;
      const step = this.nextStep(state);
      if (step === null) return { kind: "done", position: this.position };
      this.begins(step);
      if (step === "wait") {
        await hands.settled(item.id);
        const later = await hands.look(item.id);
        if (later && isPassing(later)) throw stillPassing(later);
        continue;
      }
      const failure = await this.take(step, state);
      if (failure !== null) return { kind: "failed", failure };
    }
    throw restless();
  }

  /** Null: it is as it is to be. */
  private nextStep(state: InstanceState | null): Step | null {
    const { item, fleet } = this;
    const status = state === null ? null : statusOf(state);
    if (item.wanted === null) {
      if (status === "Deleted" || this.done.has("delete")) return null;
      this.expectUntouched(state);
      return "delete";
    }
    if (status === "Deleted") throw overtaken("it was deleted");
    const { steps, differences } = planEntry({ fleet, wanted: item.wanted }, state);
    const [step = null] = steps;
    if (state !== null && item.state !== null) this.expectPlanned(differences, state);
    if (step === null || step === "wait") return step;
    if (this.done.has(step)) throw didNotLast(step, state);
    // A start takes nothing away: it is done also where it was not foreseen.
    if (!item.steps.includes(step) && step !== "start") throw overtaken(`it would need a ${step}`);
    return step;
  }

  /** What is asked of it again, by whomever, is not deleted by a plan that knew nothing of that. */
  private expectUntouched(state: InstanceState | null): void {
    if (state === null || statusOf(state) === "Deleting") return;
    const planned = this.item.state!.context.specificationVersion;
    if (state.context.specificationVersion !== planned) throw overtaken("it is not as it was");
  }

  /** What others changed is not changed back. */
  private expectPlanned(differences: readonly Difference[], state: InstanceState): void {
    const { item } = this;
    const planned = new Set(item.differences.map(canonicalJson));
    if (differences.some((one) => !planned.has(canonicalJson(one)))) {
      throw overtaken("its specification was changed");
    }
    const { desired } = state.context;
    const expected = [item.wanted!.desired, item.state!.context.desired];
    const isOurs = this.done.has("stop") || this.done.has("move");
    if (!isOurs && !expected.includes(desired as never)) throw overtaken(`it is ${desired} now`);
  }

  /** What refused it, or null. */
  private async take(step: Step, state: InstanceState | null): Promise<WorkFailure | null> {
    const { item, fleet, hands } = this;
    const request = item.wanted === null
      ? { type: "delete", force: false } as const
      : requestOf(step, { fleet, wanted: item.wanted }, state)!;
    const version = state?.context.specification ? state.context.specificationVersion : undefined;
    const outcome = await hands.ask(item.id, request, version);
    switch (outcome.kind) {
      case "done":
        this.done.add(step);
        this.position = outcome.position;
        return null;
      case "rejected":
        return isRace(outcome, state) ? null : outcome;
      case "failed":
      case "unknown":
        return outcome;
      default:
        throw new Error(`${outcome.kind} is no end of a ${step} that was waited for`);
    }
  }

  private async waitForPredecessor(id: string): Promise<void> {
    const { hands } = this;
    this.begins("wait");
    await hands.settled(id);
    const state = await hands.look(id);
    if (state && statusOf(state) === "Deleted") return;
    throw new OperationalError(
      "predecessor_there",
      `Instance '${id}', which had the name before, was to be deleted and is still there.`,
      true,
      "See why with its events, delete it, and apply the file again.",
    );
  }
}

/** Somebody was faster, and it is not as it was looked at: what that came to is looked at again. */
function isRace(
  { rejection, state }: AskOutcome & { kind: "rejected" },
  seen: InstanceState | null,
): boolean {
  if (rejection.code === "stale_version" || rejection.code === "already_exists") return true;
  return rejection.code === "conflict" && state?.context.version !== seen?.context.version;
}

function overtaken(how: string): OperationalError {
  return new OperationalError(
    "changed_meanwhile",
    `Somebody else has changed it since it was planned: ${how}. It was left as it is.`,
    true,
    "Look at the difference again, and apply the file again if it is meant.",
  );
}

function didNotLast(step: Step, state: InstanceState | null): OperationalError {
  const now = state === null ? "gone" : statusOf(state);
  const why = state?.context.lastError?.message;
  return new OperationalError(
    "did_not_last",
    `The ${step} was done, and it is ${now} again${why === undefined ? "." : `: ${why}`}`,
    true,
    "See its events and its logs, and apply the file again.",
  );
}

function stillPassing(state: InstanceState): OperationalError {
  return new OperationalError(
    "still_passing",
    `It is still ${statusOf(state)}.`,
    true,
    "Apply the file again once that has ended.",
  );
}

function restless(): OperationalError {
  return new OperationalError(
    "changed_meanwhile",
    "Others change it again and again; it was left as it is.",
    true,
    "Apply the file again once it is quiet.",
  );
}
