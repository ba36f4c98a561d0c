/** Log, bus and workers' channels in one process, over any `Tables`: what `memory/` and `sqlite/` open. */
import type { Clock } from "../../events/clock.ts";
import type { CommandBus } from "../../events/command_bus.ts";
import type { OperationalError } from "../../events/errors.ts";
import type {
  EventLog,
  Leadership,
  LogAvailability,
  LogRetention,
} from "../../events/event_log.ts";
import { logClosed } from "../../events/log_refusals.ts";
import type { Ids } from "../../events/ids.ts";
import type { Registration, WorkerChannel } from "../../events/worker_channel.ts";
import { Delivery } from "./delivery.ts";
import { type BusParts, EmbeddedCommandBus } from "./embedded_command_bus.ts";
import { ALWAYS_AVAILABLE, EmbeddedEventLog } from "./embedded_event_log.ts";
import { EmbeddedLeadership } from "./embedded_leadership.ts";
import { EmbeddedRetention } from "./embedded_retention.ts";
import { EmbeddedWorkerChannel } from "./embedded_worker_channel.ts";
import { EventFeed } from "./event_feed.ts";
import { type Defer, GroupCommit } from "./group_commit.ts";
import { Heartbeats } from "./heartbeats.ts";
import { ReplyChannels } from "./reply_channels.ts";
import { SiteQueries } from "./site_queries.ts";
import type { Effects } from "./step.ts";
import { presentWorker } from "./steps/present_worker.ts";
import { countDeliveries, refusePoison } from "./steps/waiting_commands.ts";
import type { Tables } from "./tables.ts";

/** Everything that a control plane and its workers need of storage and bus, in one process. */
export interface EmbeddedBroker {
  readonly log: EventLog;
  readonly availability: LogAvailability;
  readonly retention: LogRetention;
  readonly leadership: Leadership;
  readonly bus: CommandBus;
  /** The time of the newest event at the opening, epoch milliseconds: the clock must not be behind it. */
  readonly newestAt: number;
  /** A worker's side; one channel for each incarnation. */
  workerChannel(registration: Registration): WorkerChannel;
  /** Finishes what was asked for, then refuses everything with `log_closed`. The same as `log.close`. */
  close(): Promise<void>;
  /** As if the process died here: what is not committed is lost, and nothing is answered any more. For simulations. */
  abandon(): void;
}

/** What a broker is opened over. */
export interface BrokerPorts {
  tables: Tables;
  clock: Clock;
  ids: Ids;
  defer: Defer;
  /** Told once, when the storage can no longer be trusted: say the message and its hint, and end the process. */
  onFatal: (error: OperationalError) => void;
}

/** Opens a broker; the commands that wait are made from the tables. */
export function openEmbeddedBroker(ports: BrokerPorts): EmbeddedBroker {
  const { tables, clock, ids, defer, onFatal } = ports;
  const replies = new ReplyChannels(ids);
  const apply = {
    beforeAnswers: ({ events }: Effects) => feed.publish(events),
    afterAnswers: (effects: Effects) => afterAnswers(effects, replies, delivery),
  };
  const writes = new GroupCommit(tables, clock, defer, apply, onFatal);
  const feed = new EventFeed(tables, defer, () => writes.assertOpen());
  const delivery = deliveryOver(tables, clock, writes);
  const parts: BusParts = {
    tables,
    writes,
    delivery,
    replies,
    queries: new SiteQueries(clock),
    heartbeats: new Heartbeats(),
  };
  const leadership = new EmbeddedLeadership(writes, clock);
  let closing: Promise<void> | null = null;
  const close = () => closing ??= closeParts(parts, feed);
  return {
    log: new EmbeddedEventLog(tables, writes, feed, defer, close),
    availability: ALWAYS_AVAILABLE,
    retention: new EmbeddedRetention(tables, writes, leadership),
    leadership,
    bus: new EmbeddedCommandBus(parts, leadership),
    newestAt: writes.head.at,
    workerChannel: (registration) => new EmbeddedWorkerChannel(parts, { ...registration }),
    close,
    abandon: () => {
      closing ??= Promise.resolve();
      writes.abandon(logClosed());
      feed.close();
      delivery.abandon();
    },
  };
}

function afterAnswers(effects: Effects, replies: ReplyChannels, delivery: Delivery): void {
  for (const { channel, event } of effects.replies) replies.publish(channel, event);
  for (const row of effects.waiting) delivery.add(row);
  for (const commandId of effects.settled) delivery.remove(commandId);
  for (const commandId of effects.busy) delivery.forgive(commandId);
  if (effects.waiting.length > 0 || effects.workersChanged) delivery.serve();
}

function deliveryOver(tables: Tables, clock: Clock, writes: GroupCommit): Delivery {
  // A count or an end that cannot be written is made up for by the next delivery.
  const submitLoosely = (step: Parameters<GroupCommit["submit"]>[0]) => {
    writes.submit(step).catch(() => {});
  };
  const delivery = new Delivery({
    clock,
    takerOf: (workerId, incarnation) => {
      const worker = presentWorker(tables, workerId, incarnation);
      return worker && !worker.left ? worker : null;
    },
    count: (commandId, deliveries) => submitLoosely(countDeliveries(commandId, deliveries)),
    poison: (commandId) => submitLoosely(refusePoison(commandId)),
  });
  const waiting = [...tables.commands.all()].filter((row) => row.accepted === null);
  for (const row of waiting.sort((a, b) => a.order - b.order)) delivery.add(row, true);
  return delivery;
}

async function closeParts({ tables, writes, delivery }: BusParts, feed: EventFeed): Promise<void> {
  delivery.close();
  await writes.drain(logClosed());
  feed.close();
  tables.close();
}
