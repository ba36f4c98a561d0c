/** The world that the broker's contract suites run in: any technology, any clock, built and taken down by each test. */
import type { CommandBus } from "../../events/command_bus.ts";
import type { EventLog, Leadership, LogRetention } from "../../events/event_log.ts";
import type { Registration, WorkerChannel } from "../../events/worker_channel.ts";

/** The ports under test. */
export interface Broker {
  readonly log: EventLog;
  readonly retention: LogRetention;
  readonly leadership: Leadership;
  readonly bus: CommandBus;
  workerChannel(registration: Registration): WorkerChannel;
}

/** One broker on empty storage. */
export interface BrokerWorld {
  /** The present one; another after `reopen`. */
  readonly broker: Broker;
  /** Lets time pass for the broker: a manual clock goes on, a real one is waited for. */
  advance(ms: number): Promise<void>;
  /** Every process of the broker ends and begins anew over the same data. */
  reopen(): Promise<void>;
  /** How many events were read from storage one by one, in all. */
  entriesRead(): Promise<number>;
  /** Spoils the stored snapshot behind the broker's back. */
  damageSnapshot(): Promise<void>;
  close(): Promise<void>;
}

export type OpenWorld = () => Promise<BrokerWorld>;

/** Declares tests that each get a world of their own. */
export function testsOver(
  technology: string,
  open: OpenWorld,
): (sentence: string, run: (world: BrokerWorld) => Promise<void>) => void {
  return (sentence, run) =>
    Deno.test(`${technology}: ${sentence}`, async () => {
      const world = await open();
      try {
        await run(world);
      } finally {
        await world.close();
      }
    });
}

/** Lets time pass in small steps until `condition` gives something; fails after `limitMs` of the world's time. */
export async function eventually<T>(
  world: BrokerWorld,
  what: string,
  condition: () => Promise<T | null | undefined | false>,
  limitMs = 5_000,
): Promise<T> {
  for (let passedMs = 0; passedMs <= limitMs; passedMs += 25) {
    const found = await condition();
    if (found) return found;
    await world.advance(25);
  }
  throw new Error(`waited ${limitMs} ms in vain until ${what}`);
}
