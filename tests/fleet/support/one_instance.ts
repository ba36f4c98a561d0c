/** One instance under the real machine, with a worker that does what it is told, or fails at it. */
import type { RecordedEvent } from "../../../events/envelope.ts";
import { type NewEvent, newEvent } from "../../../events/instance_events.ts";
import type { RuntimeInfo } from "../../../events/runtime_info.ts";
import { decide } from "../../../machines/decide.ts";
import { evolve, initialState } from "../../../machines/evolve.ts";
import type { PendingCommand } from "../../../machines/facts.ts";
import type { InstanceState } from "../../../machines/lifecycle.ts";
import type { Decision, InstanceRequest } from "../../../machines/requests.ts";

const TYPES = {
  start: "Start",
  stop: "Stop",
  restart: "Restart",
  delete: "Delete",
  move: "Delete",
} as const;

/** Its state is the fold of what was asked and done. */
export class OneInstance {
  state: InstanceState;
  private count = 0;

  constructor(readonly id: string) {
    this.state = initialState(id);
  }

  /** Null until it is created. */
  get found(): InstanceState | null {
    return this.state.context.specification ? this.state : null;
  }

  /** What the machine says; what it accepts is in the state then. */
  ask(request: InstanceRequest, ifMatch?: number): Decision {
    const decision = decide(this.state, request, {
      commandId: `command-${++this.count}`,
      correlationId: "q",
      acceptWithinMs: 30_000,
      keepsAnswer: false,
      ...(ifMatch === undefined ? {} : { ifMatch }),
    });
    if (decision.kind === "accepted") { for (const event of decision.events) this.add(event); }
    return decision;
  }

  /** The worker ends everything that is in hand. */
  work(succeeds = true): void {
    for (const command of this.state.context.commands) this.end(command, succeeds);
  }

  /** The server ends by itself. */
  crash(): void {
    const run = this.state.context.run?.runtimeInfo;
    if (!run || this.state.value.run !== "running") return;
    this.add(newEvent("RuntimeObserved", {
      instanceId: this.id,
      observation: "Exited",
      workerId: "w1",
      runtimeInfo: { ...run, ...exited(1) },
    }));
  }

  private end(command: PendingCommand, succeeds: boolean): void {
    const { commandId, kind, generation } = command;
    const about = { commandId, attempt: 1, workerId: "w1" };
    this.add(newEvent("CommandAccepted", {
      ...about,
      commandType: `${TYPES[kind]}InstanceCommand`,
      incarnation: "i1",
      site: "site-1",
    }));
    const response = { type: `${TYPES[kind]}InstanceResponse` as const, instanceId: this.id };
    const run = this.state.context.run?.runtimeInfo;
    const over = run ? { runtimeInfo: { ...run, ...exited(0) } } : {};
    if (!succeeds) {
      return this.add(newEvent("CommandFailed", {
        ...about,
        response: {
          ...response,
          success: false,
          errorMessage: "no",
          errorCode: "no",
          retryable: true,
          // Its first half was done.
          ...(kind === "restart" ? over : {}),
        },
      }));
    }
    const begins = kind === "start" || kind === "restart";
    const told = begins ? { runtimeInfo: this.newRun(generation) } : over;
    this.add(newEvent("CommandSucceeded", {
      ...about,
      response: { ...response, success: true, ...told },
    }));
  }

  private newRun(generation: number): RuntimeInfo {
    return {
      instanceId: this.id,
      status: "Running",
      runId: `run-${++this.count}`,
      generation,
      site: "site-1",
      startedAt: 1_000,
      processId: "1",
      runtimeMetadata: {},
    };
  }

  private add(event: NewEvent): void {
    const version = this.state.context.version + 1;
    this.state = evolve(this.state, {
      ...event,
      instanceId: this.id,
      version,
      position: `${version}-0`,
      previous: version === 1 ? null : `${version - 1}-0`,
      schema: 1,
      at: 1_000 + version,
      meta: {},
    } as RecordedEvent);
  }
}

function exited(code: number) {
  return {
    status: "Stopped" as const,
    stoppedAt: 2_000,
    exit: { code, signal: null, reason: "Exited", message: `exited with code ${code}` } as const,
  };
}
