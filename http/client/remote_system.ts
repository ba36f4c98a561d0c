/** The fleet's door over the API: what the terminal UI and the command line ask, wherever the control plane is. Design §6. */
import type { LogLineAnswer } from "./answers.ts";
import type {
  FleetConfigurations,
  FleetFiles,
  FleetInstances,
  FleetNews,
  FleetNode,
  FleetOutput,
  FleetPast,
  FleetPort,
  FleetWatch,
  FleetWorkers,
  FollowedOutput,
} from "./fleet_port.ts";
import { watchFleet } from "./fleet_watch.ts";
import type { RemoteOptions } from "./remote_call.ts";
import { RemoteClient } from "./remote_client.ts";
import { RemoteConfigurations } from "./remote_configurations.ts";
import { RemoteNode } from "./remote_node.ts";
import { RemotePast } from "./remote_past.ts";
import type { SseMessage } from "./sse_messages.ts";

/**
 * A control plane at a URL; or in this process, where `fetch` is the app's own. Requests are sent again where that is
 * safe (`retries.ts`), streams go on after the last message that was read.
 *
 * ```ts ignore
 * const fleet: FleetPort = new RemoteSystem({ url, token, fetch, clock, ids, randomness });
 * const { items } = await fleet.instances.list({ status: "Failed" });
 * ```
 */
export class RemoteSystem implements FleetPort {
  readonly instances: FleetInstances;
  readonly configurations: FleetConfigurations;
  readonly past: FleetPast;
  readonly output: FleetOutput;
  readonly workers: FleetWorkers;
  readonly files: FleetFiles;
  readonly node: FleetNode;

  constructor(private readonly options: RemoteOptions) {
    const client = new RemoteClient(options);
    const past = new RemotePast(options);
    this.instances = {
      list: (filter) => client.list(filter),
      get: (id, atLeast) => client.instance(id, atLeast),
      create: (specification, key) => client.create(specification, key),
      change: (id, changes, wish) => client.change(id, changes, wish),
      ask: (id, verb, wish, extra) => client.ask(id, verb, wish, extra),
      wait: (id, statuses, timeoutMs) => client.wait(id, statuses, timeoutMs),
    };
    this.configurations = new RemoteConfigurations(options);
    this.past = {
      events: (id, limit, cursor) => client.history(id, limit, cursor),
      stateAt: (id, moment) => past.stateAt(id, moment),
      why: (id) => past.why(id),
    };
    this.output = {
      lines: (id, wish) => client.logs(id, wish),
      follow: (id, wish, signal) => followed(client.followLogs(id, wish, signal)),
    };
    this.workers = {
      list: () => client.workers(),
      ask: (id, verb, key) => client.askWorker(id, verb, key),
    };
    this.files = client.fleet;
    this.node = new RemoteNode(options);
  }

  get url(): string {
    return this.options.url;
  }

  watch(listener: (news: FleetNews) => void, after?: string): FleetWatch {
    return watchFleet(this.options, listener, after);
  }
}

/** A message `error` is no end: the stream is taken up again where it was. */
async function* followed(messages: AsyncIterable<SseMessage>): AsyncIterable<FollowedOutput> {
  for await (const { event, data } of messages) {
    const message = JSON.parse(data);
    if (event === "lines") yield { kind: "lines", lines: message.items as LogLineAnswer[] };
    if (event !== "end") continue;
    yield { kind: "end", reason: message.reason };
    return;
  }
}
