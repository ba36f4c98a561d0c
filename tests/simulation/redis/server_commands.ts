/** What the model's server does with a command: the data commands, the functions, and what it tells of itself. */
import { execute, isWrite, needsMemory } from "./execute.ts";
import { Keyspace } from "./keyspace.ts";
import { LoadedFunctions } from "./loaded_functions.ts";
import type { Nature } from "./refusals.ts";
import { type Reply, ReplyError, type Word } from "./reply.ts";

/** All that outlives a restart. */
export interface ServerState {
  keyspace: Keyspace;
  functions: LoadedFunctions;
}

/** One that shares nothing that changes. */
export function copyOf({ keyspace, functions }: ServerState): ServerState {
  return { keyspace: keyspace.clone(), functions: functions.clone() };
}

/** What the commands must know of the server that they are done by. */
export interface CommandHost {
  fsync: "everysec" | "always";
  /** The server's clock, in whole milliseconds. */
  now(): number;
  /** While it loads its data: how long it says that this goes on. */
  loading(): { etaSeconds: number } | null;
  /** Something has happened to a stream that may end somebody's wait. */
  touch(key: string): void;
  /** A function has done its work. */
  called(step: string, args: readonly string[], reply: Reply): void;
  /** To how many it went. */
  publish(channel: string, text: string): number;
}

export class ServerCommands {
  state: ServerState = { keyspace: new Keyspace(), functions: new LoadedFunctions() };
  private readonly config: Readonly<Record<string, string>>;

  constructor(private readonly host: CommandHost) {
    this.config = {
      appendfsync: host.fsync,
      appendonly: "yes",
      "no-appendfsync-on-rewrite": "no",
      "maxmemory-policy": "noeviction",
    };
  }

  /** What a refusal asks of a command. */
  natureOf(words: readonly Word[]): Nature {
    const name = words[0];
    const nature = { writes: false, needsMemory: false, isAllowedLoading: false, isPing: false };
    switch (name) {
      case "INFO":
        return { ...nature, isAllowedLoading: true };
      case "CONFIG":
      case "PSUBSCRIBE":
      case "PUBLISH":
        return { ...nature, isAllowedLoading: true };
      case "PING":
        return { ...nature, isPing: true };
      case "FUNCTION":
        return { ...nature, writes: true, needsMemory: true };
      case "FCALL": {
        const flags = this.state.functions.flagsOf(words[1]!);
        const writes = flags !== null && !flags.has("no-writes");
        return { ...nature, writes, needsMemory: writes && !flags.has("allow-oom") };
      }
      default:
        return { ...nature, writes: isWrite(words), needsMemory: needsMemory(words) };
    }
  }

  /**
   * Does a command, now.
   * @throws {ReplyError} what Redis answers with an error
   */
  perform(words: readonly Word[]): Reply {
    switch (words[0]) {
      case "FCALL":
        return this.callFunction(words);
      case "PUBLISH":
        return this.host.publish(words[1] as string, words[2] as string);
      case "INFO":
        return this.info();
      case "CONFIG":
        return (words.slice(2) as string[]).flatMap((name) =>
          name in this.config ? [name, this.config[name]!] : []
        );
      case "FUNCTION":
        return this.state.functions.command(words);
      default:
        return this.touching(words, this.host.now());
    }
  }

  private touching(words: readonly Word[], nowMs: number): Reply {
    const reply = execute(this.state.keyspace, words, nowMs);
    switch (words[0]) {
      case "XADD":
        this.host.touch(words[1] as string);
        break;
      case "XGROUP":
        this.host.touch(words[2] as string);
        break;
      case "DEL":
      case "UNLINK":
        for (const key of words.slice(1)) this.host.touch(key as string);
    }
    return reply;
  }

  /** As one step, at one time. What it wrote before it failed stays written. */
  private callFunction(words: readonly Word[]): Reply {
    const [, name, count, ...rest] = words as string[];
    const called = this.state.functions.find(name!);
    const isReader = called.flags.has("no-writes");
    const nowMs = this.host.now();
    const call = (inner: string[]): Reply => {
      if (inner[0] === "PUBLISH") return this.host.publish(inner[1]!, inner[2]!);
      if (isReader && isWrite(inner)) {
        throw new ReplyError("ERR Write commands are not allowed from read-only scripts.");
      }
      return this.touching(inner, nowMs);
    };
    const args = rest.slice(Number(count));
    const reply = called.run(call, rest.slice(0, Number(count)), args);
    this.host.called(name!.slice(name!.indexOf("_", "draas_".length) + 1), args, reply);
    return reply;
  }

  private info(): string {
    const loading = this.host.loading();
    return [
      "redis_version:7.4.0",
      "maxmemory_policy:noeviction",
      `loading:${loading ? 1 : 0}`,
      "aof_enabled:1",
      ...(loading ? [`loading_eta_seconds:${loading.etaSeconds}`] : []),
      "",
    ].join("\r\n");
  }
}
