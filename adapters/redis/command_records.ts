/** The live commands as Redis keeps them: a record that the functions change, and the command's text that nobody does. */
import type { Command, CommandRecord } from "../../events/commands.ts";
import { comparePositions } from "../../events/envelope.ts";
import type { RedisLink } from "./redis_link.ts";

/** A record in the hash `commands`; see `functions/append.lua`. */
export interface StoredCommand {
  commandId: string;
  /** The stream that it waits on, and its entry there; absent once it was accepted. */
  stream?: string;
  entry?: string;
  /** How often it was offered on the streams that it was moved from. */
  moved?: number;
  /** The position of the event that caused it, and its number in that append. */
  order: string;
  site?: string;
  enqueuedAt: number;
  acceptBy: number;
  accepted?: CommandRecord["accepted"] & { settle: boolean };
}

/** Every live command, oldest first. */
export async function storedCommands(link: RedisLink): Promise<StoredCommand[]> {
  const all = await link.ask("HGETALL", link.keys.commands) as string[];
  const stored: StoredCommand[] = [];
  for (let index = 0; index < all.length; index += 2) {
    stored.push({ commandId: all[index]!, ...JSON.parse(all[index + 1]!) });
  }
  return stored.sort((a, b) => compareOrders(a.order, b.order));
}

/** The commands themselves, in this order; those that have ended meanwhile are left out. */
export async function commandsOf(
  link: RedisLink,
  stored: readonly StoredCommand[],
): Promise<Map<string, Command>> {
  const commands = new Map<string, Command>();
  if (stored.length === 0) return commands;
  const ids = stored.map(({ commandId }) => commandId);
  const texts = await link.ask("HMGET", link.keys.payloads, ...ids) as (string | null)[];
  stored.forEach(({ commandId, site }, index) => {
    const text = texts[index];
    if (text) commands.set(commandId, commandFrom(text, site ?? null));
  });
  return commands;
}

/** A command from its text; where it must be done is known by the record, or by the stream it was on. */
export function commandFrom(text: string, site: string | null): Command {
  return { ...JSON.parse(text), site };
}

/** Negative, zero or positive as one was sent before the other, at once, or after it. */
export function compareOrders(a: string, b: string): number {
  const [positionA = "", indexA] = a.split(":");
  const [positionB = "", indexB] = b.split(":");
  return comparePositions(positionA, positionB) || Number(indexA) - Number(indexB);
}
