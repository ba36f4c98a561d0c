/** The example worker of `docs/examples/` as a process of its own, beside a node in the test's: they share Redis alone. */
import { Redis } from "ioredis";
import { type FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import type { AskOptions, AskOutcome } from "../../actors/system_port.ts";
import { hostIds, hostRandomness } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import type { JsonObject } from "../../events/json.ts";
import { specificationSchema } from "../../events/specification.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { brokerOn, freshNamespace } from "../adapters/redis_world.ts";
import type { RedisServer } from "../support/redis_server.ts";

const WORKER = new URL("../../docs/examples/worker.mjs", import.meta.url).pathname;
const WAIT_MS = 15_000;

export class ForeignWorld {
  readonly folder = Deno.makeTempDirSync({ prefix: "draas-foreign-" });
  readonly events: RecordedEvent[] = [];
  private readonly workers = new Set<Deno.ChildProcess>();

  private constructor(
    readonly server: RedisServer,
    readonly namespace: string,
    readonly broker: RedisBroker,
    readonly system: FleetSystem,
  ) {}

  /** A node on an empty namespace; every event that it hears of is kept in `events`. */
  static async open(server: RedisServer): Promise<ForeignWorld> {
    const namespace = freshNamespace();
    const broker = await brokerOn(server, namespace);
    const system = await openInstanceSystem({
      ...broker,
      clock: hostClock,
      ids: hostIds,
      randomness: hostRandomness,
      nodeId: "node-1",
      queueTimeoutMs: 600_000,
      deriveId: (key) => `of-${key}`,
      onBug: (error) => {
        throw error;
      },
    });
    const world = new ForeignWorld(server, namespace, broker, system);
    await broker.log.tail("0-0", (events) => void world.events.push(...events));
    return world;
  }

  /** Starts the worker `name`; its folder is its own in all its lives. */
  work(name: string): Deno.ChildProcess {
    const { server, namespace, folder } = this;
    const child = new Deno.Command("node", {
      args: [WORKER, server.url, namespace, name, `${folder}/${name}`],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    this.workers.add(child);
    void child.status.then(() => this.workers.delete(child));
    return child;
  }

  ask(
    instanceId: string | null,
    request: InstanceRequest,
    options: Partial<AskOptions> = {},
  ): Promise<AskOutcome> {
    const limits = { timeoutMs: WAIT_MS, wait: true, requestedBy: "test" };
    return this.system.ask(instanceId, request, { ...limits, ...options });
  }

  /** Creates an instance of the template `command`, and gives its id. */
  async create(configuration: JsonObject): Promise<string> {
    const specification = specificationSchema.parse({
      name: "foreign",
      template: "command",
      configuration,
      restartPolicy: { mode: "never" },
    });
    const outcome = await this.ask(null, { type: "create", specification });
    if (outcome.kind !== "done") throw new Error(`not created: ${JSON.stringify(outcome)}`);
    return outcome.state.context.instanceId;
  }

  /** The first event of the type that was heard of an instance, now or soon. */
  async heard(instanceId: string, type: string): Promise<RecordedEvent> {
    const wanted = (event: RecordedEvent) => event.instanceId === instanceId && event.type === type;
    return await until(`${type} of ${instanceId}`, () => this.events.find(wanted));
  }

  /** Collects what is published on the channels of a pattern, as any client of Redis hears it. */
  async hear(pattern: string, into: string[]): Promise<{ close(): void }> {
    const client = new Redis(this.server.url);
    client.on("pmessage", (_pattern, _channel, message) => void into.push(message));
    await client.psubscribe(pattern);
    return { close: () => client.disconnect() };
  }

  async close(): Promise<void> {
    for (const child of this.workers) {
      child.kill("SIGKILL");
      await child.status;
    }
    await this.system.shutdown();
    await this.broker.close();
    for (const pid of processesNaming(this.folder, "environ")) Deno.kill(pid, "SIGKILL");
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** What `look` finds, as soon as it is there. */
export async function until<T>(
  what: string,
  look: () => T | undefined | null | false | Promise<T | undefined | null | false>,
): Promise<T> {
  const end = performance.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The live processes that have `text` among their arguments, or in their environment. */
export function processesNaming(text: string, where: "cmdline" | "environ" = "cmdline"): number[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) return [];
    try {
      return Deno.readTextFileSync(`/proc/${name}/${where}`).includes(text) ? [Number(name)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}
