/** Builds histories for tests: events as the log would hold them, one after the other. */
import type { EventMeta, RecordedEvent } from "../../events/envelope.ts";
import { type EventData, type EventType, newEvent } from "../../events/instance_events.ts";
import type { ExternalStatus } from "../../events/external_status.ts";
import type { HealthReport } from "../../events/health.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { type Destination, specificationSchema } from "../../events/specification.ts";
import { evolve, initialState } from "../../machines/evolve.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";

export const INSTANCE = "instance-1";
export const SITE = "site-1";

/** A history that grows; `state` is its fold. */
export class History {
  readonly events: RecordedEvent[] = [];
  state: InstanceState = initialState(INSTANCE);
  at = 1_000;

  /** How a failing property prints this history. */
  [Symbol.for("fast-check/toStringMethod")](): string {
    return this.events.map(({ type, data }) => `${type} ${JSON.stringify(data)}`).join("\n");
  }

  /** Adds the next event, 10 ms after the one before. */
  add<T extends EventType>(type: T, data: EventData<T>, meta: EventMeta = {}): this {
    const version = this.events.length + 1;
    this.at += 10;
    const event = {
      ...newEvent(type, data),
      instanceId: INSTANCE,
      version,
      position: `${version}-0`,
      previous: version === 1 ? null : `${version - 1}-0`,
      schema: 1,
      at: this.at,
      meta,
    } as RecordedEvent;
    this.events.push(event);
    this.state = evolve(this.state, event);
    return this;
  }

  created(restartPolicy: Record<string, unknown> = {}): this {
    return this.add("InstanceCreated", {
      specification: specificationSchema.parse({
        name: "one",
        template: "command",
        configuration: { command: ["/bin/true"] },
        restartPolicy,
      }),
    });
  }

  startRequested(commandId = "c1", cause: "user" | "restart-policy" | "queue" = "user"): this {
    return this.add("StartRequested", {
      ...launch(commandId, this.state.context.generation + 1),
      site: this.state.context.run?.site ?? null,
      cause,
    });
  }

  accepted(
    commandId = "c1",
    commandType: "Start" | "Stop" | "Restart" | "Delete" = "Start",
    attempt = 1,
  ): this {
    return this.add("CommandAccepted", {
      commandId,
      commandType: `${commandType}InstanceCommand`,
      attempt,
      workerId: "w1",
      incarnation: "i1",
      site: SITE,
    });
  }

  started(commandId = "c1", runId = "r1"): this {
    return this.add("CommandSucceeded", {
      commandId,
      attempt: 1,
      workerId: "w1",
      response: {
        type: "StartInstanceResponse",
        instanceId: INSTANCE,
        success: true,
        runtimeInfo: running(runId, this.at),
      },
    });
  }

  failed(
    commandId = "c1",
    type: "Start" | "Stop" | "Restart" | "Delete" = "Start",
    runtimeInfo?: RuntimeInfo,
    retryable = true,
  ): this {
    return this.add("CommandFailed", {
      commandId,
      attempt: 1,
      workerId: "w1",
      response: {
        type: `${type}InstanceResponse`,
        instanceId: INSTANCE,
        success: false,
        errorMessage: "no",
        errorCode: "exited_at_once",
        retryable,
        ...(runtimeInfo ? { runtimeInfo } : {}),
      },
    });
  }

  stopRequested(commandId: string | null = "c2"): this {
    return this.add("StopRequested", {
      commandId,
      generation: this.state.context.generation + 1,
      site: commandId === null ? null : SITE,
      acceptWithinMs: 30_000,
    });
  }

  moveRequested(
    commandId: string | null = "c2",
    to: Destination = { platform: "docker", template: "image", configuration: { image: "x" } },
    meta: EventMeta = {},
  ): this {
    return this.add("MoveRequested", {
      commandId,
      generation: this.state.context.generation + 1,
      site: commandId === null ? null : SITE,
      acceptWithinMs: 30_000,
      to,
      force: false,
    }, meta);
  }

  stopped(commandId = "c2", runId: string | null = "r1"): this {
    return this.add("CommandSucceeded", {
      commandId,
      attempt: 1,
      workerId: "w1",
      response: {
        type: "StopInstanceResponse",
        instanceId: INSTANCE,
        success: true,
        ...(runId === null ? {} : { runtimeInfo: ended(runId, this.at) }),
      },
    });
  }

  exited(runId = "r1", code = 1): this {
    return this.add("RuntimeObserved", {
      instanceId: INSTANCE,
      observation: "Exited",
      workerId: "w1",
      runtimeInfo: ended(runId, this.at, code),
    });
  }

  health(
    health: HealthReport["health"],
    more: Partial<HealthReport> = {},
  ): this {
    return this.add("HealthObserved", {
      instanceId: INSTANCE,
      runId: "r1",
      runGeneration: 1,
      health,
      ...(health === "unhealthy" ? { cause: "liveness", reason: "it does not answer" } : {}),
      ...more,
      workerId: "w1",
    });
  }

  /** A report from outside. */
  reported(status: string, more: Partial<ExternalStatus> = {}, meta: EventMeta = {}): this {
    return this.add(
      "ExternalStatusReported",
      { status, source: "monitor", metadata: {}, ...more },
      meta,
    );
  }

  /** Created, started and running as run `r1`. */
  static running(restartPolicy: Record<string, unknown> = {}): History {
    return new History().created(restartPolicy).startRequested().accepted().started();
  }

  /** Running, then asked to stop, and the stop accepted. */
  static stopping(): History {
    return History.running().stopRequested().accepted("c2", "Stop");
  }
}

/** The launch half of a start's or a restart's event. */
export function launch(
  commandId: string,
  generation: number,
): Omit<EventData<"StartRequested">, "site" | "cause"> {
  return {
    commandId,
    generation,
    configuration: { command: ["/bin/true"] },
    configurationRevision: 1,
    acceptWithinMs: 30_000,
  };
}

/** A live run. */
export function running(runId: string, at = 1_000): RuntimeInfo {
  return {
    instanceId: INSTANCE,
    status: "Running",
    runId,
    generation: 1,
    site: SITE,
    startedAt: at,
    processId: "4242",
    runtimeMetadata: {},
  };
}

/** An ended run. */
export function ended(runId: string, at = 2_000, code = 0): RuntimeInfo {
  return {
    ...running(runId, at - 500),
    status: "Stopped",
    stoppedAt: at,
    exit: { code, signal: null, reason: "Exited", message: `exited with code ${code}` },
  };
}
