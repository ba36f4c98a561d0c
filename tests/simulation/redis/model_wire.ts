/** One connection of a process to the model of Redis: two lanes, each in order, over a network that delays and loses. */
import type { Chance } from "../chance.ts";
import type { Life, VirtualTime } from "../virtual_time.ts";
import type { Reply, Word } from "./reply.ts";

/** After a silence a packet is tried again within this time. */
const SENT_AGAIN_WITHIN_MS = 200;

/** What a lane carries. */
export type Parcel = Call | Message | Signal;

/** A command on its way there and back: the same object carries its answer. */
export class Call {
  readonly kind = "call";
  /** When it arrives where it goes to. */
  at = 0;
  reply: Reply = null;
  error: Error | null = null;
  isSettled = false;

  constructor(
    readonly words: Word[],
    /** Its answer's texts are wanted as bytes. */
    readonly isBytes: boolean,
    /** When it was asked for. */
    readonly askedAt: number,
    readonly resolve: (reply: unknown) => void,
    readonly reject: (error: Error) => void,
  ) {}
}

/** A published message on its way to one who listens. */
export class Message {
  readonly kind = "message";
  at = 0;

  constructor(
    readonly pattern: string,
    readonly channel: string,
    readonly text: string,
  ) {}
}

/**
 * What TCP says for itself. `open` asks for a connection and is answered by `opened` or `refused`; `close` is the orderly
 * end; `reset` the other, which a silence does not hold up: whoever holds up the packets may well send one.
 */
export class Signal {
  at = 0;

  constructor(readonly kind: "open" | "opened" | "refused" | "close" | "reset") {}
}

/** What a lane must know of the network that it goes through. */
export interface Network {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** Until then nothing arrives. */
  readonly silentUntil: number;
  /** How long a packet takes that is sent now; drawn. */
  delayMs(): number;
}

/** One direction: nothing overtakes, and what has come while its reader is frozen is there, in order, when it thaws. */
export class Lane {
  private readonly queue: Parcel[] = [];
  private isArmed = false;
  private readonly arrive = () => this.arrived();

  /** `life`: the process that reads; null for the server, which is never frozen. */
  constructor(
    private readonly network: Network,
    private readonly life: Life | null,
    private readonly deliver: (parcel: Parcel) => void,
  ) {}

  /** How many are on the way. */
  get size(): number {
    return this.queue.length;
  }

  send(parcel: Parcel): void {
    const { network } = this;
    // It may be less than that of the one before: nobody is looked at before the first in the queue.
    parcel.at = network.time.now + network.delayMs();
    this.queue.push(parcel);
    if (!this.isArmed) this.arm(parcel.at);
  }

  /** Loses all that is on the way but for the first `count`. */
  keep(count: number): void {
    this.queue.length = Math.min(count, this.queue.length);
  }

  /** Loses all that is on the way; `reset` comes in its place. */
  reset(): void {
    this.queue.length = 0;
    const reset = new Signal("reset");
    this.send(reset);
    // The lane's own entry may be later: at the end of a silence.
    this.arm(reset.at);
  }

  private arm(at: number): void {
    this.isArmed = true;
    this.network.time.after(at - this.network.time.now, this.arrive, this.life);
  }

  /** Delivers all that has come: a socket that is read gives everything at once. */
  private arrived(): void {
    this.isArmed = false;
    const { queue, network } = this;
    if (queue.length === 0) return;
    const { now } = network.time;
    if (network.silentUntil > now && queue[0]!.kind !== "reset") {
      return this.arm(network.silentUntil + network.chance.between(0, SENT_AGAIN_WITHIN_MS));
    }
    while (queue.length > 0 && queue[0]!.at <= now) this.deliver(queue.shift()!);
    if (queue.length > 0) this.arm(queue[0]!.at);
  }
}
