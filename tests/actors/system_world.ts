/** An instance system over a broker in memory, on a manual clock, with a worker that a test moves by hand. */
import { type FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import type { AskOptions, AskOutcome } from "../../actors/system_port.ts";
import { openMemoryBroker } from "../../adapters/memory/memory_broker.ts";
import { MemoryTables } from "../../adapters/memory/memory_tables.ts";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import type { Command } from "../../events/commands.ts";
import type { AvailabilityChange } from "../../events/event_log.ts";
import type { InstanceResponse } from "../../events/responses.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { specificationSchema } from "../../events/specification.ts";
import type { WorkerChannel } from "../../events/worker_channel.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { embeddedPorts } from "../adapters/embedded_world.ts";
import { type ManualClock, settled } from "../adapters/manual_clock.ts";

export const SITE = "site-1";

/** One life of a node over tables that outlive it. */
export class SystemWorld {
  readonly bugs: unknown[] = [];
  broker!: EmbeddedBroker;
  system!: FleetSystem;
  worker!: WorkerChannel;
  readonly tables = new MemoryTables();
  private readonly watchers = new Set<(change: AvailabilityChange) => void>();
  private lives = 0;

  private constructor(readonly ports = embeddedPorts()) {}

  static async open(): Promise<SystemWorld> {
    const world = new SystemWorld();
    await world.begin();
    return world;
  }

  get clock(): ManualClock {
    return this.ports.clock;
  }

  /** A new life: a broker over what is there, a system that recovers from it, a worker that has registered. */
  async begin(): Promise<void> {
    this.broker = openMemoryBroker({ ...this.ports, tables: this.tables });
    this.system = await this.another();
    this.worker = this.broker.workerChannel({
      workerId: "worker-1",
      platform: "process",
      site: SITE,
      incarnation: `incarnation-${++this.lives}`,
      machineId: "machine-1",
      slots: 8,
      version: "test",
      labels: {},
    });
  }

  /** Another node over the same log and bus. */
  another(): Promise<FleetSystem> {
    return openInstanceSystem({
      ...this.broker,
      ...this.ports,
      availability: {
        away: () => this.broker.availability.away(),
        watch: (watcher) => {
          this.watchers.add(watcher);
          return { close: () => void this.watchers.delete(watcher) };
        },
      },
      randomness: { fraction: () => 0.5 },
      nodeId: "node",
      queueTimeoutMs: 600_000,
      deriveId: (key) => `of-${key}`,
      onBug: (error) => this.bugs.push(error),
    });
  }

  /** kill -9, and a new life. */
  async crash(): Promise<void> {
    this.broker.abandon();
    await this.begin();
  }

  /** The log was away, for so short a time that no call met it, and is back. */
  blink(): void {
    for (const watcher of this.watchers) watcher({ kind: "away", reason: "for a test" });
    for (const watcher of this.watchers) watcher({ kind: "back" });
  }

  /** Asks and waits for the answer; time does not move. */
  ask(
    instanceId: string | null,
    request: InstanceRequest,
    options: Partial<AskOptions> = {},
  ): Promise<AskOutcome> {
    return this.system.ask(instanceId, request, {
      timeoutMs: 30_000,
      wait: true,
      requestedBy: "test",
      ...options,
    });
  }

  /** Creates an instance and gives its id. */
  async create(restartPolicy: Record<string, unknown> = {}): Promise<string> {
    const outcome = await this.ask(null, creation(restartPolicy));
    if (outcome.kind !== "done") throw new Error(`not created: ${JSON.stringify(outcome)}`);
    return outcome.state.context.instanceId;
  }

  /** Takes and accepts the next command, as a worker does. */
  async takeNext(): Promise<Command> {
    const [command] = await this.worker.take(1, 0);
    if (!command) throw new Error("no command waits");
    const accepted = await this.worker.accept(command.messageId);
    if (accepted.kind !== "accepted") throw new Error(`not accepted: ${accepted.reason}`);
    return command;
  }

  /** Completes an accepted command: started, stopped, or failed with a code. */
  async complete(command: Command, failureCode?: string): Promise<RuntimeInfo> {
    const runtimeInfo = this.runOf(command);
    const type = command.type.replace("Command", "Response") as InstanceResponse["type"];
    await this.worker.complete(command.messageId, 1, {
      type,
      instanceId: command.instanceId,
      success: failureCode === undefined,
      ...(failureCode === undefined
        ? { runtimeInfo }
        : { errorCode: failureCode, errorMessage: failureCode, retryable: true }),
    } as InstanceResponse);
    await settled();
    return runtimeInfo;
  }

  /** The worker does everything that waits: one command after the other. */
  async work(): Promise<void> {
    await settled();
    for (const [command] = await this.worker.take(1, 0); command;) {
      await this.worker.accept(command.messageId);
      await this.complete(command);
      return await this.work();
    }
  }

  /** Asks, lets the worker do it, and gives the answer. */
  async done(
    instanceId: string,
    request: InstanceRequest,
    options: Partial<AskOptions> = {},
  ): Promise<AskOutcome> {
    const asked = this.ask(instanceId, request, options);
    await this.work();
    return await asked;
  }

  /** The worker reports that a run ended by itself. */
  async exit(instanceId: string, code = 1): Promise<void> {
    const info = (await this.system.get(instanceId))!.context.run!.runtimeInfo!;
    await this.worker.observe({
      instanceId,
      observation: "Exited",
      runtimeInfo: {
        ...info,
        status: "Stopped",
        stoppedAt: this.clock.now(),
        exit: { code, signal: null, reason: "Exited", message: `exited with code ${code}` },
      },
    });
    await settled();
  }

  private runOf(command: Command): RuntimeInfo {
    const isStart = command.type === "StartInstanceCommand" ||
      command.type === "RestartInstanceCommand";
    return {
      instanceId: command.instanceId,
      status: isStart ? "Running" : "Stopped",
      runId: isStart ? `run-of-${command.messageId}` : `ended-by-${command.messageId}`,
      generation: command.generation,
      site: SITE,
      startedAt: this.clock.now(),
      ...(isStart ? { processId: "42" } : { stoppedAt: this.clock.now() }),
      runtimeMetadata: {},
    };
  }
}

/** A request to create a small instance. */
export function creation(restartPolicy: Record<string, unknown> = {}): InstanceRequest {
  return {
    type: "create",
    specification: specificationSchema.parse({
      name: "one",
      template: "command",
      configuration: { command: ["/bin/true"] },
      restartPolicy,
    }),
  };
}
