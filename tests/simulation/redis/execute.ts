/** The data commands of a modelled Redis, as far as DRaaS uses them; a real one holds them to its answers. */
import { GROUP_COMMANDS } from "./commands/groups.ts";
import { HASH_COMMANDS } from "./commands/hashes.ts";
import { SORTED_SET_COMMANDS } from "./commands/sorted_sets.ts";
import { readingOf, STREAM_COMMANDS } from "./commands/streams.ts";
import { STRING_COMMANDS } from "./commands/strings.ts";
import { type Command, notModelled } from "./commands/words.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Reply, Word } from "./reply.ts";

const COMMANDS = new Map<string, Command>(Object.entries(
  {
    ...STRING_COMMANDS,
    ...HASH_COMMANDS,
    ...SORTED_SET_COMMANDS,
    ...STREAM_COMMANDS,
    ...GROUP_COMMANDS,
    PING: { writes: false, needsMemory: false, run: () => "PONG" },
    TIME: {
      writes: false,
      needsMemory: false,
      run: (
        _keyspace,
        _words,
        nowMs,
      ) => [`${Math.floor(nowMs / 1_000)}`, `${nowMs % 1_000 * 1_000}`],
    },
  } satisfies Record<string, Command>,
));

/** The names of all commands that `execute` knows. */
export const COMMAND_NAMES: readonly string[] = [...COMMANDS.keys()];

/**
 * Does one command, whose name and options are in capitals, at a time of Redis' clock in whole milliseconds.
 * BLOCK is ignored: where there is nothing to read, the answer is null at once.
 * @throws {ReplyError} what Redis answers with an error: WRONGTYPE, NOGROUP, BUSYGROUP, ERR
 * @throws {Error} a command or a form that is not modelled; a fault of the test, never an answer
 */
export function execute(keyspace: Keyspace, words: readonly Word[], nowMs: number): Reply {
  return commandOf(words).run(keyspace, words, Math.floor(nowMs));
}

/**
 * Of a read that waits (XREAD or XREADGROUP with BLOCK): the keys that it waits for, and how long in milliseconds; 0 is
 * for ever. Null of every other command.
 */
export function blockingOf(words: readonly Word[]): { keys: string[]; blockMs: number } | null {
  const name = words[0];
  if (name !== "XREAD" && name !== "XREADGROUP") return null;
  const { blockMs, streams } = readingOf(words, name === "XREAD" ? 1 : 4);
  return blockMs === null ? null : { keys: streams.map(([key]) => key), blockMs };
}

/** Whether a command may write: a replica denies it. */
export function isWrite(words: readonly Word[]): boolean {
  return commandOf(words).writes;
}

/** Whether a command may need more memory: a server that is full denies it, and none of the other writes. */
export function needsMemory(words: readonly Word[]): boolean {
  return commandOf(words).needsMemory;
}

function commandOf(words: readonly Word[]): Command {
  const name = words[0];
  const command = typeof name === "string" ? COMMANDS.get(name) : undefined;
  if (!command) throw notModelled(words);
  return command;
}
