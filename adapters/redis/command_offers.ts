/** What a worker is offered: commands that wait now, or the next that comes, at most as many as it has slots for. Design §4 rule 5. */
import { type Clock, sleep } from "../../events/clock.ts";
import { type Command, isUrgent } from "../../events/commands.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Registration } from "../../events/worker_channel.ts";
import { commandFrom, compareOrders } from "./command_records.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { connected, within } from "./redis_event_feed.ts";
import { type RedisLink, send } from "./redis_link.ts";

/** An offer that is not accepted within this time is made to another worker. */
export const REDELIVER_AFTER_MS = 500;
/** A command that was offered this often and never accepted is poison. Design §4 rule 12. */
export const DELIVERIES_MAX = 5;
/** Stops and deletes that are handed out at once, beyond a worker's slots. */
const URGENT_MAX = 64;
/** A wait is cut here, so that what another worker was offered and left is found in time. */
const BLOCK_MAX_MS = REDELIVER_AFTER_MS;
const STUCK_AFTER_MS = 4_000;
const RETRY_MS = 100;
/** Commands whose streams are remembered until they are accepted. */
const REMEMBERED_MAX = 4_096;

/** How `take` last answered: the worker gets everything, stops and deletes only, or nothing. */
type Standing = "unknown" | "taken" | "held" | "refused";

/** What XREADGROUP gives: entries by stream, or nothing in time. */
type Read = [stream: string, entries: [entry: string, fields: string[]][]][] | null;

interface Offer {
  command: Command;
  order: string;
}

/** What may be waited for: everything, stops and deletes only, or only a change of the worker's own standing. */
type Waiting = "all" | "urgent" | "standing";

export class CommandOffers {
  private readonly streams: string[];
  private readonly control: string;
  private readonly streamOfCommand = new Map<string, string>();
  /** One connection for each kind of wait: a worker without a free slot waits for stops beside its other wait. */
  private readonly blockers = new Map<Waiting, Promise<RedisConnection>>();
  /** Came beyond what was asked for; given first the next time. */
  private extra: Offer[] = [];
  private stolenAt = -Infinity;
  private standing: Standing = "unknown";
  private readonly leaving = new AbortController();

  constructor(
    private readonly link: RedisLink,
    private readonly registration: Readonly<Registration>,
    private readonly clock: Clock,
  ) {
    const { platform, site, workerId } = registration;
    this.streams = link.keys.workerStreams(platform, site);
    this.control = link.keys.control(workerId);
  }

  /** See `WorkerChannel.take`. */
  async take(max: number, waitMs: number): Promise<Command[]> {
    const until = this.clock.monotonic() + waitMs;
    for (;;) {
      const offers = waitMs <= 0 || this.mustLook() ? await this.takeNow(max) : this.fromExtra(max);
      if (offers.length > 0) return this.given(offers);
      const leftMs = until - this.clock.monotonic();
      if (leftMs <= 0) return [];
      const blockMs = Math.max(1, Math.min(BLOCK_MAX_MS, Math.floor(leftMs)));
      const next = await this.waitFor(this.waiting(max), max, blockMs);
      // The worker's other wait may have replaced what was kept, meanwhile.
      this.extra.push(...next);
    }
  }

  /** The stream that a command was offered from, if it was. */
  streamOf(commandId: string): string[] {
    const stream = this.streamOfCommand.get(commandId);
    this.streamOfCommand.delete(commandId);
    return stream === undefined ? [] : [stream];
  }

  letGo(): void {
    this.leaving.abort();
    for (const [waiting, blocker] of [...this.blockers]) this.forget(waiting, blocker);
  }

  private given(offers: Offer[]): Command[] {
    return offers.sort((a, b) => compareOrders(a.order, b.order)).map(({ command }) => command);
  }

  /** Whether it is time to look what others were offered and left, or something about the worker has changed. */
  private mustLook(): boolean {
    return this.standing !== "taken" || (this.extra.length === 0 && this.stealsNow());
  }

  private stealsNow(): boolean {
    return this.clock.monotonic() - this.stolenAt >= REDELIVER_AFTER_MS / 2;
  }

  private waiting(max: number): Waiting {
    if (this.standing === "refused") return "standing";
    return this.standing === "held" || max === 0 ? "urgent" : "all";
  }

  private async takeNow(max: number): Promise<Offer[]> {
    const steals = this.stealsNow();
    if (steals) this.stolenAt = this.clock.monotonic();
    const { workerId, incarnation } = this.registration;
    const limits = [REDELIVER_AFTER_MS, DELIVERIES_MAX, steals ? "1" : "0"];
    const wanted = Math.max(0, max - this.extra.filter(isStart).length);
    const args = [workerId, incarnation, wanted, URGENT_MAX, ...limits];
    const answer = await this.withGroups(() => this.link.write("take", this.streams, args));
    const [kind, ...taken] = answer as [string, ...[number, string, string, string][]];
    // What came while the worker was drained or given up is not its own: in 500 ms another worker is offered it.
    if (kind === "refused") this.extra = [];
    if (kind === "held") this.extra = this.extra.filter((offer) => !isStart(offer));
    this.standing = kind as Standing;
    if (kind === "refused") return [];
    const offers = taken.map(([index, , text, order]) =>
      this.offer(this.streams[index - 1]!, text, order)
    );
    return [...this.fromExtra(max), ...offers];
  }

  /** Of what came beyond what was asked for: every stop and delete, and as many starts as there is room for. */
  private fromExtra(max: number): Offer[] {
    const starts = this.extra.filter(isStart).slice(0, max);
    const given = this.extra.filter((offer) => !isStart(offer) || starts.includes(offer));
    this.extra = this.extra.filter((offer) => !given.includes(offer));
    return given;
  }

  private offer(stream: string, text: string, order: string): Offer {
    const { platform, site } = this.registration;
    const isHere = stream !== this.link.keys.commandStream(platform, null, false) &&
      stream !== this.link.keys.commandStream(platform, null, true);
    const command = commandFrom(text, isHere ? site : null);
    if (this.streamOfCommand.size >= REMEMBERED_MAX) this.streamOfCommand.clear();
    this.streamOfCommand.set(command.messageId, stream);
    return { command, order };
  }

  /** The next that comes on one of the streams, or nothing when the time is over or the worker was woken. */
  private async waitFor(waiting: Waiting, max: number, blockMs: number): Promise<Offer[]> {
    const streams = [this.control, ...STREAMS[waiting].map((index) => this.streams[index]!)];
    if (this.leaving.signal.aborted) {
      // Nobody waits for a worker that has left: it is only the caller's time that passes.
      await sleep(this.clock, blockMs);
      return [];
    }
    const opening = this.blocker(waiting);
    try {
      const blocker = await opening;
      const { workerId } = this.registration;
      // Two of the streams hold starts: together they give no more than there is room for, but for one.
      const count = waiting === "all" ? Math.max(1, Math.floor(max / 2)) : URGENT_MAX;
      const args = ["GROUP", "workers", workerId, "COUNT", count, "BLOCK", blockMs, "STREAMS"];
      const read = send(blocker, "XREADGROUP", [...args, ...streams, ...streams.map(() => ">")]);
      const answer = await within(this.clock, read, blockMs + STUCK_AFTER_MS);
      return this.offersIn(answer as Read);
    } catch (error) {
      // Redis is away, or the connection is stuck: a new one, and what was not read is still there.
      this.forget(waiting, opening);
      if (!(error instanceof Error)) throw error;
      await sleep(this.clock, Math.min(RETRY_MS, blockMs));
      return [];
    }
  }

  private offersIn(answer: Read): Offer[] {
    const offers: Offer[] = [];
    for (const [stream, entries] of answer ?? []) {
      for (const [entry, fields] of entries) {
        if (stream === this.control) {
          // Something about the worker has changed: it is looked at before anything is given.
          this.standing = "unknown";
          void this.link.ask("XACK", stream, "workers", entry).catch(() => {});
        } else offers.push(this.offer(stream, fields[3]!, fields[5]!));
      }
    }
    return offers;
  }

  private blocker(waiting: Waiting): Promise<RedisConnection> {
    const known = this.blockers.get(waiting);
    if (known) return known;
    const opening = connected(this.link, this.clock, "take");
    this.blockers.set(waiting, opening);
    return opening;
  }

  private forget(waiting: Waiting, opening: Promise<RedisConnection>): void {
    // The worker's other wait may have another one by now.
    if (this.blockers.get(waiting) === opening) this.blockers.delete(waiting);
    opening.then((client) => this.link.letGo(client), () => {});
  }

  /** A stream's group is gone when Redis lost its data: made again from the first entry, never from the last. */
  private async withGroups(call: () => Promise<unknown>): Promise<unknown> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOGROUP")) throw error;
      for (const stream of [this.control, ...this.streams]) {
        await this.link.ask("XGROUP", "CREATE", stream, "workers", "0", "MKSTREAM").catch(exists);
      }
      return await call();
    }
  }
}

function isStart({ command }: Offer): boolean {
  return !isUrgent(command);
}

/** Which of a worker's four streams each kind of wait is for. */
const STREAMS: Readonly<Record<Waiting, readonly number[]>> = {
  all: [0, 1, 2, 3],
  urgent: [0, 1],
  standing: [],
};

function exists(error: unknown): void {
  if (error instanceof OperationalError) throw error;
  if (!(error instanceof Error) || !error.message.startsWith("BUSYGROUP")) throw error;
}
