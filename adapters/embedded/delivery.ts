/**
 * Which worker is offered which command: a queue for each platform and site, and the workers that wait at them.
 *
 * It lives in memory and is made from the live commands at opening. An offer gives no right: only an accept does, so
 * nothing here is a promise. Design §4 rules 5 and 12.
 */
import type { Clock } from "../../events/clock.ts";
import { type Command, isUrgent } from "../../events/commands.ts";
import type { CommandRow, WorkerRow } from "./tables.ts";

/** An offer that is not accepted within this time is made to another worker. */
export const REDELIVER_AFTER_MS = 500;
/** A command that was offered this often and never accepted is poison. */
export const DELIVERIES_MAX = 5;

/** Stops and deletes that are handed out at once, beyond a worker's slots. */
const URGENT_MAX = 64;

/** What the queue needs from around it. */
export interface DeliveryPorts {
  clock: Clock;
  /** The worker as it is now; null when it may take nothing: superseded, given up, gone. */
  takerOf(workerId: string, incarnation: string): WorkerRow | null;
  /** Keeps the number of deliveries beyond this process's life. */
  count(commandId: string, deliveries: number): void;
  /** Ends a command that was delivered too often. */
  poison(commandId: string): void;
}

interface Offer {
  row: CommandRow;
  queue: string;
  deliveries: number;
  /** Whether each delivery is kept: a first one of a new command is not, as it would cost a write each. */
  counted: boolean;
  /** By the monotonic clock; null while it waits. */
  deliveredAt: number | null;
}

interface Taker {
  workerId: string;
  incarnation: string;
  max: number;
  /** By the monotonic clock: then it is sent away with nothing. */
  until: number;
  give: (commands: Command[]) => void;
}

export class Delivery {
  readonly #offers = new Map<string, Offer>();
  readonly #queues = new Map<string, Map<string, Offer>>();
  /** In the order of delivery, so that the first is the first to be due again. */
  readonly #delivered = new Map<string, Offer>();
  readonly #takers = new Set<Taker>();
  #cancelTimer: (() => void) | null = null;
  /** When the timer runs, by the monotonic clock. */
  #wakeAt = Infinity;

  constructor(private readonly ports: DeliveryPorts) {}

  /** A command that waits from now on, or at another site than before. `inherited`: from an earlier life. */
  add(row: CommandRow, inherited = false): void {
    const commandId = row.command.messageId;
    const before = this.#offers.get(commandId);
    if (before) this.remove(commandId);
    const offer: Offer = {
      row,
      queue: queueOf(row.command.platform, row.command.site, isUrgent(row.command)),
      deliveries: before?.deliveries ?? row.deliveries,
      counted: inherited || (before?.counted ?? false),
      deliveredAt: null,
    };
    this.#offers.set(commandId, offer);
    this.#enqueue(offer);
  }

  /** A command that waits no longer. */
  remove(commandId: string): void {
    const offer = this.#offers.get(commandId);
    if (!offer) return;
    this.#offers.delete(commandId);
    this.#delivered.delete(commandId);
    this.#dequeue(offer);
  }

  /** Its accept had to wait for another command of the instance, or for the log: it is not poison. */
  forgive(commandId: string): void {
    const offer = this.#offers.get(commandId);
    if (offer) offer.deliveries = 0;
  }

  /** How often a waiting command was delivered; undefined for one that does not wait. */
  deliveries(commandId: string): number | undefined {
    return this.#offers.get(commandId)?.deliveries;
  }

  /** Up to `max` commands; waits for the first at most `waitMs`. */
  take(workerId: string, incarnation: string, max: number, waitMs: number): Promise<Command[]> {
    return new Promise((resolve) => {
      const until = this.ports.clock.monotonic() + waitMs;
      this.#takers.add({ workerId, incarnation, max, until, give: resolve });
      this.serve();
    });
  }

  /** Offers what waits to those who wait, and sends away who has waited long enough. */
  serve(): void {
    if (this.#takers.size === 0) return;
    const now = this.ports.clock.monotonic();
    this.#requeueDue(now);
    for (const taker of [...this.#takers]) {
      const commands = this.#offersFor(taker);
      if (commands.length > 0 || taker.until <= now) this.#give(taker, commands);
    }
    this.#wakeInTime(now);
  }

  /** Sends every waiting worker away with nothing. */
  close(): void {
    this.#cancelWake();
    for (const taker of [...this.#takers]) this.#give(taker, []);
  }

  /** Leaves every waiting worker without an answer. */
  abandon(): void {
    this.#cancelWake();
    this.#takers.clear();
  }

  #give(taker: Taker, commands: Command[]): void {
    this.#takers.delete(taker);
    taker.give(commands);
  }

  #offersFor(taker: Taker): Command[] {
    const worker = this.ports.takerOf(taker.workerId, taker.incarnation);
    if (!worker) return [];
    return [
      ...this.#offersOf(worker, true, URGENT_MAX),
      // A worker that drains still ends what it has: nobody else can.
      ...this.#offersOf(worker, false, worker.draining ? 0 : taker.max),
    ];
  }

  #offersOf(worker: WorkerRow, urgent: boolean, max: number): Command[] {
    const commands: Command[] = [];
    while (commands.length < max) {
      const offer = this.#oldest(worker, urgent);
      if (!offer) break;
      if (offer.deliveries < DELIVERIES_MAX) commands.push(this.#deliver(offer));
      else this.#poison(offer);
    }
    return commands;
  }

  #oldest(worker: WorkerRow, urgent: boolean): Offer | undefined {
    const own = this.#first(queueOf(worker.platform, worker.site, urgent));
    const shared = this.#first(queueOf(worker.platform, null, urgent));
    if (!own || !shared) return own ?? shared;
    return own.row.order < shared.row.order ? own : shared;
  }

  #deliver(offer: Offer): Command {
    const { command } = offer.row;
    this.#setAside(offer);
    offer.deliveries++;
    if (offer.counted) this.ports.count(command.messageId, offer.deliveries);
    offer.counted = true;
    return command;
  }

  /** It stays set aside until it has ended: a write that fails is tried again when it is due. */
  #poison(offer: Offer): void {
    this.#setAside(offer);
    this.ports.poison(offer.row.command.messageId);
  }

  #setAside(offer: Offer): void {
    this.#dequeue(offer);
    offer.deliveredAt = this.ports.clock.monotonic();
    this.#delivered.set(offer.row.command.messageId, offer);
  }

  #requeueDue(now: number): void {
    for (const [commandId, offer] of this.#delivered) {
      if (now - offer.deliveredAt! < REDELIVER_AFTER_MS) return;
      this.#delivered.delete(commandId);
      offer.deliveredAt = null;
      this.#enqueue(offer);
    }
  }

  /**
   * Wakes when a taker has waited long enough, or the oldest delivery is due again and somebody waits for it. What is
   * done before leaves its timer, which wakes once in vain: that costs less than a timer for each command.
   */
  #wakeInTime(now: number): void {
    if (this.#takers.size === 0) return;
    const oldest = this.#delivered.values().next().value;
    let wakeAt = oldest ? oldest.deliveredAt! + REDELIVER_AFTER_MS : Infinity;
    for (const { until } of this.#takers) wakeAt = Math.min(wakeAt, until);
    if (wakeAt >= this.#wakeAt) return;
    this.#cancelWake();
    this.#wakeAt = wakeAt;
    this.#cancelTimer = this.ports.clock.after(Math.max(1, wakeAt - now), () => {
      this.#cancelWake();
      this.serve();
    });
  }

  #cancelWake(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#wakeAt = Infinity;
  }

  #enqueue(offer: Offer): void {
    const queue = this.#queues.get(offer.queue);
    if (queue) queue.set(offer.row.command.messageId, offer);
    else this.#queues.set(offer.queue, new Map([[offer.row.command.messageId, offer]]));
  }

  #dequeue(offer: Offer): void {
    const queue = this.#queues.get(offer.queue);
    if (!queue?.delete(offer.row.command.messageId)) return;
    if (queue.size === 0) this.#queues.delete(offer.queue);
  }

  #first(queue: string): Offer | undefined {
    return this.#queues.get(queue)?.values().next().value;
  }
}

/** Stops and deletes have queues of their own: they never wait behind starts, or for a slot. */
function queueOf(platform: string, site: string | null, urgent: boolean): string {
  const queue = site === null ? platform : `${platform}.${site}`;
  return urgent ? `${queue} urgent` : queue;
}
