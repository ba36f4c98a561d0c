/** Log, bus and workers' channels on one Redis, for a node or a worker: what `main.ts` opens. Design §5. */
import type { Clock } from "../../events/clock.ts";
import { sleep } from "../../events/clock.ts";
import type { CommandBus } from "../../events/command_bus.ts";
import { START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type {
  AvailabilityChange,
  EventLog,
  Leadership,
  LogAvailability,
  LogRetention,
} from "../../events/event_log.ts";
import type { Ids } from "../../events/ids.ts";
import type { Registration, WorkerChannel } from "../../events/worker_channel.ts";
import { type FunctionLibrary, functionLibrary } from "./function_library.ts";
import { RedisKeys } from "./keys.ts";
import { OfferedSchemas } from "./offered_schemas.ts";
import { RedisCommandBus } from "./redis_command_bus.ts";
import type { RedisConnector } from "./redis_connection.ts";
import { RedisEndpoint } from "./redis_endpoint.ts";
import { RedisEventFeed } from "./redis_event_feed.ts";
import { RedisEventLog } from "./redis_event_log.ts";
import { RedisLeadership } from "./redis_leadership.ts";
import { RedisLink } from "./redis_link.ts";
import { type Compression, GZIP, RedisRetention } from "./redis_retention.ts";
import { RedisWorkerChannel } from "./redis_worker_channel.ts";
import { ReplyChannels } from "./reply_channels.ts";
import { lookAtLog, SeenEvents } from "./seen_events.ts";
import { ServerCheck } from "./server_check.ts";
import { SiteQuestions } from "./site_questions.ts";

const CONNECT_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 20;

/** Everything that a node or a worker needs of Redis. */
export interface RedisBroker {
  readonly log: EventLog;
  readonly availability: LogAvailability;
  readonly retention: LogRetention;
  readonly leadership: Leadership;
  readonly bus: CommandBus;
  /** Where Redis is, without secrets. */
  readonly name: string;
  /** What its owner should know, in words: that nothing survives a restart of Redis, … */
  readonly warnings: readonly string[];
  /** A worker's side; one channel for each incarnation. */
  workerChannel(registration: Registration): WorkerChannel;
  /** Finishes what was asked for, then refuses everything with `log_closed`. The same as `log.close`. */
  close(): Promise<void>;
}

export interface RedisBrokerOptions {
  /** One of the forms of `redis_endpoint.ts`. */
  url: string;
  namespace: string;
  clock: Clock;
  ids: Ids;
  /** Chance, for reconnects that do not come all at once; default: none. */
  random?: () => number;
  /** Called with what can only be a bug: a listener that threw. */
  onBug?: (error: unknown) => void;
  /** Opens the connections in the URL's place: for a simulated Redis. */
  connector?: RedisConnector;
  /** Packs snapshots; default: gzip. For a simulation, in which nothing may run beside the event loop. */
  compression?: Compression;
  /** Another release's library: for tests of two side by side. */
  functions?: FunctionLibrary;
}

/**
 * Connects, and checks that Redis is fit for a log.
 * @throws {OperationalError} `redis_url_invalid`, `redis_unreachable`, `redis_refused`, `redis_evicts`, `redis_too_old`
 */
export async function openRedisBroker(options: RedisBrokerOptions): Promise<RedisBroker> {
  const { url, namespace, clock, ids, onBug = () => {} } = options;
  const keys = new RedisKeys(namespace);
  const seen = new SeenEvents();
  const link: RedisLink = new RedisLink(
    options.connector ?? new RedisEndpoint(url, options.random ?? (() => 1)),
    keys,
    options.functions ?? functionLibrary(),
    clock,
    () => afterReturn(link, seen, feed),
  );
  const check = new ServerCheck(link, clock);
  const head = () => log.head();
  const feed: RedisEventFeed = new RedisEventFeed(link, clock, seen, head, onBug);
  const replies = new ReplyChannels(link, clock, ids);
  const questions = new SiteQuestions(link, replies, clock);
  const bus = new RedisCommandBus(link, replies, questions);
  const channels = new Set<RedisWorkerChannel>();
  let closing: Promise<void> | null = null;
  const close = () =>
    closing ??= (async () => {
      for (const channel of channels) channel.letGo();
      await link.close();
      await feed.close();
    })();
  const offered = new OfferedSchemas(link);
  const log: RedisEventLog = new RedisEventLog({
    link,
    feed,
    seen,
    offered,
    streamsOf: (commandIds) => bus.streamsOf(commandIds),
    durability: () => check.durability(),
    close,
  });
  let warnings: string[];
  try {
    await untilReady(link, clock);
    warnings = await check.warnings();
    await offered.refresh();
    await link.publishLibrary();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    log,
    availability: link,
    retention: new RedisRetention(link, ids, options.compression ?? GZIP),
    leadership: new RedisLeadership(link, offered),
    bus,
    name: link.name,
    warnings,
    workerChannel: (registration) => {
      const channel = new RedisWorkerChannel(link, { ...registration }, questions, clock);
      channels.add(channel);
      return channel;
    },
    close,
  };
}

/**
 * Waits until Redis answers, at most 5 s.
 * @throws {OperationalError} `redis_unreachable`, `redis_refused`
 */
export async function untilReady(link: RedisLink, clock: Clock): Promise<void> {
  const until = clock.monotonic() + CONNECT_WITHIN_MS;
  while (link.away() !== null) {
    const isRefused = /WRONGPASS|NOAUTH|NOPERM|certificate|TLS/i.test(link.lastError ?? "");
    if (isRefused || clock.monotonic() >= until) throw notReached(link, isRefused);
    await sleep(clock, LOOK_EVERY_MS);
  }
}

function notReached(link: RedisLink, isRefused: boolean): OperationalError {
  const why = link.lastError ?? "it does not answer";
  return isRefused
    ? new OperationalError(
      "redis_refused",
      `Redis at ${link.name} refuses this program: ${why}`,
      false,
      "Check user name, password and TLS (rediss://) of REDIS_URL.",
    )
    : new OperationalError(
      "redis_unreachable",
      `Redis at ${link.name} cannot be reached: ${why}.`,
      true,
      "Start Redis, or set REDIS_URL to where it is.",
    );
}

/** Redis is there again: has it still everything that this process was told of? `traps.md` 7, 33. */
async function afterReturn(
  link: RedisLink,
  seen: SeenEvents,
  feed: RedisEventFeed,
): Promise<AvailabilityChange | null> {
  const { keys } = link;
  await link.look("PING");
  const isThere = lookAtLog(keys, (command, ...args) => link.look(command, ...args));
  const head = async () =>
    (await link.look("XREVRANGE", keys.log, "+", "-", "COUNT", 1) as [string][])[0]?.[0] ?? START;
  let rollback = await seen.missing(isThere, head);
  // What was there when this process began to read it has not seen as events: that it is gone is known all the same.
  const { position } = feed;
  if (!rollback && position !== null && !await isThere({ position })) {
    rollback = { lostEvents: 1, instanceIds: [], head: await head() };
  }
  if (!rollback) return null;
  seen.clear();
  feed.restartAt(rollback.head);
  return { kind: "rollback", rollback };
}
