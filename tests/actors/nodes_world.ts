/** Several nodes over one memory broker, each with a log that can be late, away or put back, and a clock that can stop. */
import { FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import type { SystemParts } from "../../actors/system_parts.ts";
import type { AskOptions, AskOutcome, Incident } from "../../actors/system_port.ts";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import { openMemoryBroker } from "../../adapters/memory/memory_broker.ts";
import { MemoryTables } from "../../adapters/memory/memory_tables.ts";
import type { Clock } from "../../events/clock.ts";
import type { Command } from "../../events/commands.ts";
import type { InstanceResponse } from "../../events/responses.ts";
import type { WorkerChannel } from "../../events/worker_channel.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { embeddedPorts } from "../adapters/embedded_world.ts";
import { type ManualClock, settled } from "../adapters/manual_clock.ts";
import { FaultyLog } from "./faulty_log.ts";
import { creation, SITE } from "./system_world.ts";

/** One node, and the faults that can be done to it. */
export interface Node {
  system: FleetSystem;
  log: FaultyLog;
  incidents: Incident[];
  /** Its process ends without a word: none of its timers fires any more. */
  die(): void;
  ask(
    instanceId: string | null,
    request: InstanceRequest,
    options?: Partial<AskOptions>,
  ): Promise<AskOutcome>;
  create(): Promise<string>;
}

export class NodesWorld {
  readonly bugs: unknown[] = [];
  broker: EmbeddedBroker;
  worker!: WorkerChannel;
  private tables = new MemoryTables();
  private readonly nodes: Node[] = [];
  private readonly ports = embeddedPorts();

  constructor() {
    this.broker = openMemoryBroker({ ...this.ports, tables: this.tables });
  }

  get clock(): ManualClock {
    return this.ports.clock;
  }

  /** A worker that the test moves by hand. */
  async startWorker(): Promise<void> {
    this.worker = this.broker.workerChannel({
      workerId: "worker-1",
      platform: "process",
      site: SITE,
      incarnation: "incarnation-1",
      machineId: "machine-1",
      slots: 8,
      labels: {},
      version: "test",
    });
    await this.worker.register();
  }

  async node(nodeId: string, changed: Partial<SystemParts> = {}): Promise<Node> {
    let isAlive = true;
    const { clock } = this;
    const ownClock: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, run) => clock.after(delayMs, () => isAlive && run()),
    };
    const log = new FaultyLog(() => this.broker);
    const incidents: Incident[] = [];
    const system = await openInstanceSystem({
      log,
      availability: log,
      retention: portOf(() => this.broker.retention),
      leadership: portOf(() => this.broker.leadership),
      bus: portOf(() => this.broker.bus),
      clock: ownClock,
      ids: this.ports.ids,
      randomness: { fraction: () => 0.5 },
      nodeId,
      queueTimeoutMs: 600_000,
      deriveId: (key) => `of-${key}`,
      onBug: (error) => this.bugs.push(error),
      onIncident: (incident) => incidents.push(incident),
      ...changed,
    });
    const ask: Node["ask"] = (instanceId, request, options = {}) =>
      system.ask(instanceId, request, {
        timeoutMs: 30_000,
        wait: true,
        requestedBy: "test",
        ...options,
      });
    const node: Node = {
      system,
      log,
      incidents,
      die: () => isAlive = false,
      ask,
      create: async () => {
        const outcome = await ask(null, creation());
        if (outcome.kind !== "done") throw new Error(`not created: ${JSON.stringify(outcome)}`);
        return outcome.state.context.instanceId;
      },
    };
    this.nodes.push(node);
    return node;
  }

  /** Takes and accepts the next command. */
  async takeNext(): Promise<Command> {
    await settled();
    const [command] = await this.worker.take(1, 0);
    if (!command) throw new Error("no command waits");
    await this.worker.accept(command.messageId);
    return command;
  }

  /** Completes an accepted command with success. */
  async complete(command: Command): Promise<void> {
    const isStart = command.type === "StartInstanceCommand";
    await this.worker.complete(command.messageId, 1, {
      type: command.type.replace("Command", "Response") as InstanceResponse["type"],
      instanceId: command.instanceId,
      success: true,
      runtimeInfo: {
        instanceId: command.instanceId,
        status: isStart ? "Running" : "Stopped",
        runId: `run-of-${command.messageId}`,
        generation: command.generation,
        site: SITE,
        startedAt: this.clock.now(),
        processId: "42",
        ...(isStart ? {} : { stoppedAt: this.clock.now() }),
        runtimeMetadata: {},
      },
    });
    await settled();
    // A node whose tail is late gives it a moment before it reads the instance's own history.
    await this.clock.advance(50);
  }

  /** The worker does the next command. */
  async work(): Promise<void> {
    await this.complete(await this.takeNext());
  }

  /** Puts the log back to a copy that lacks its last `count` events; nobody is told. */
  loseLast(count: number): void {
    const { last } = this.tables.events.bounds();
    this.tables = copyOf(this.tables, last - count);
    this.broker = openMemoryBroker({ ...this.ports, tables: this.tables });
  }

  async close(): Promise<void> {
    for (const { system } of this.nodes) await system.shutdown();
    await this.broker.close();
  }
}

/** A port whose calls go to whatever `current` gives at the moment. */
function portOf<T extends object>(current: () => T): T {
  return new Proxy({} as T, {
    get: (_target, name) => {
      const port = current() as Record<string | symbol, unknown>;
      const member = port[name];
      return typeof member === "function" ? member.bind(port) : member;
    },
  });
}

function copyOf(tables: MemoryTables, last: number): MemoryTables {
  const copy = new MemoryTables();
  copy.begin();
  for (const row of tables.events.after(0, last)) {
    copy.events.add(row);
    copy.instances.put({
      instanceId: row.instanceId,
      version: row.version,
      generation: 0,
      lastSequence: row.sequence,
      originSequence: copy.instances.get(row.instanceId)?.originSequence ?? row.sequence,
      runId: null,
      endedRunId: null,
      runtimeInfo: null,
      completed: null,
    });
  }
  for (let fence = 0; fence < 100; fence++) copy.nextFence();
  copy.commit();
  return copy;
}

/** Each test has a world of its own, and none leaves a bug behind. */
export async function withNodes(run: (world: NodesWorld) => Promise<void>): Promise<void> {
  const world = new NodesWorld();
  await world.startWorker();
  try {
    await run(world);
  } finally {
    await world.close();
  }
  if (world.bugs.length > 0) throw world.bugs[0];
}
