/**
 * The fleet's log in encoded pages, shared by all streams of this node. Streams ask for what comes after their place:
 * whatever several ask for is read and encoded once, and kept while it is new. One tail of the log wakes them all.
 */
import type { InstanceSystem } from "../actors/system_port.ts";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/envelope.ts";
import type { Subscription } from "../events/event_log.ts";
import type { EventType } from "../events/instance_events.ts";
import type { EventFormat } from "./event_format.ts";
import { eventId } from "./event_id.ts";
import { eventView } from "./event_view.ts";

/** One event, encoded. */
export interface EventFrame {
  instanceId: string;
  type: EventType;
  position: Position;
  bytes: Uint8Array<ArrayBuffer>;
}

/** What comes after a place, up to some bounds. */
export interface EventPage {
  frames: readonly EventFrame[];
  /** All frames in a row. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The place to go on from. */
  last: Position;
  lastId: string;
}

const EVENTS_MAX = 64;
const BYTES_MAX = 65_536;
/** What those who have come the furthest read, and those who are somewhat behind. */
const PAGES_KEPT = 64;
/**
 * Between two awakenings of everybody, at least, and for each reader: what comes meanwhile goes along in one page, and
 * a thousand readers leave most of the time to others.
 */
const WAVE_MS = 20;
const WAVE_MS_EACH = 0.05;

export class EventPages {
  private readonly pages = new Map<Position, Promise<EventPage | null>>();
  private readonly encoder = new TextEncoder();
  private readonly waiting = new Set<() => void>();
  private readers = 0;
  private tail: Promise<Subscription> | null = null;
  private watching: Subscription | null = null;
  private cancelWave: (() => void) | null = null;
  private lastWaveAt = -Infinity;
  private news = 0;

  constructor(
    private readonly system: InstanceSystem,
    private readonly clock: Clock,
    private readonly format: EventFormat,
  ) {}

  /** How often something new has been heard: to be read before `after`, and given to `newsSince`. */
  get heard(): number {
    return this.news;
  }

  /**
   * Begins to listen for one more reader; each calls `leave` once, also when this fails.
   * @throws {OperationalError} as `InstanceSystem.observe`
   */
  async enter(): Promise<void> {
    this.readers++;
    this.watching ??= this.system.watchHistory(() => this.forget());
    const tail = this.tail ??= this.system.observe(() => this.hear());
    try {
      await tail;
    } catch (error) {
      if (this.tail === tail) this.tail = null;
      throw error;
    }
  }

  /** The last one closes the tail, and nothing is kept. */
  leave(): void {
    if (--this.readers > 0) return;
    this.forget();
    this.watching?.close();
    this.watching = null;
    this.cancelWave?.();
    this.cancelWave = null;
  }

  /**
   * What comes after a position; null when there is nothing yet.
   * @throws {OperationalError} as `InstanceSystem.read`
   */
  after(position: Position): Promise<EventPage | null> {
    const known = this.pages.get(position);
    if (known) return known;
    const page = this.read(position);
    this.pages.set(position, page);
    const drop = () => {
      if (this.pages.get(position) === page) this.pages.delete(position);
    };
    page.then((found) => found ?? drop(), drop);
    const [oldest] = this.pages.keys();
    if (this.pages.size > PAGES_KEPT) this.pages.delete(oldest!);
    return page;
  }

  /** Resolves when more has been heard than `heard`, or `stop` is called. */
  newsSince(heard: number): { arrived: Promise<void>; stop: () => void } {
    let stop = () => {};
    const arrived = new Promise<void>((resolve) => {
      stop = () => {
        this.waiting.delete(stop);
        resolve();
      };
      if (this.news === heard) this.waiting.add(stop);
      else resolve();
    });
    return { arrived, stop };
  }

  private async read(position: Position): Promise<EventPage | null> {
    const events = await this.system.read(position, EVENTS_MAX);
    const frames: EventFrame[] = [];
    let [length, lastId] = [0, ""];
    for (const event of events) {
      const { instanceId, type } = event;
      const id = eventId(event);
      const bytes = this.encoder.encode(this.format.message(type, id, eventView(event)));
      if (frames.length > 0 && length + bytes.length > BYTES_MAX) break;
      frames.push({ instanceId, type, position: event.position, bytes });
      length += bytes.length;
      lastId = id;
    }
    const last = frames.at(-1);
    return last ? { frames, bytes: inARow(frames), last: last.position, lastId } : null;
  }

  private hear(): void {
    this.news++;
    if (this.cancelWave) return;
    const nextAt = this.lastWaveAt + Math.max(WAVE_MS, WAVE_MS_EACH * this.readers);
    const waitMs = Math.max(0, nextAt - this.clock.monotonic());
    this.cancelWave = this.clock.after(waitMs, () => {
      this.cancelWave = null;
      this.lastWaveAt = this.clock.monotonic();
      for (const wake of [...this.waiting]) wake();
    });
  }

  /** The log is not what was read of it, or nobody reads: whoever comes next begins anew. */
  private forget(): void {
    const { tail } = this;
    this.tail = null;
    this.pages.clear();
    // One that failed has told whoever asked for it.
    tail?.then((opened) => opened.close(), () => {});
  }
}

/** The bytes of some frames as one piece. */
export function inARow(frames: readonly EventFrame[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(frames.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of frames) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}
