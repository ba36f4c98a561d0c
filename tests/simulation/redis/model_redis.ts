/**
 * A modelled Redis in virtual time, for the production adapter to run on unchanged: one server that executes each command
 * when it arrives, with its blocked readers, its subscribers and its functions, and the ways in which it fails.
 */
import type { Chance } from "../chance.ts";
import type { VirtualTime } from "../virtual_time.ts";
import { BlockedReaders } from "./blocked_readers.ts";
import { blockingOf } from "./execute.ts";
import type { Keyspace } from "./keyspace.ts";
import { ModelConnector, type Route, type Server } from "./model_connector.ts";
import { type Call, Message, type Parcel, Signal } from "./model_wire.ts";
import { type RefusalKind, Refusals } from "./refusals.ts";
import { type Reply, ReplyError, type Word } from "./reply.ts";
import { type ServerClient, subscriptionTo } from "./server_client.ts";
import { copyOf, ServerCommands, type ServerState } from "./server_commands.ts";

/** A restarted Redis loads its data for up to this long. */
const LOADING_MOST_MS = 500;
/** That a process has died is news that may come after what was just given to it. */
const DEATH_UNKNOWN = 0.2;
const CHANGED_ROLE =
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

export interface ModelRedisOptions {
  time: VirtualTime;
  chance: Chance;
  /** What the server says of its append-only file. */
  fsync: "everysec" | "always";
}

export class ModelRedis implements Server {
  /** Called with each function that was executed: the step's name, its arguments without keys, its answer. */
  onCalled: (step: string, args: readonly string[], reply: Reply) => void = () => {};
  private readonly commandSet: ServerCommands;
  private synced: ServerState;
  private readonly time: VirtualTime;
  private readonly chance: Chance;
  private readonly refusals: Refusals;
  private readonly clients = new Set<ServerClient>();
  private readonly listeners = new Set<ServerClient>();
  private readonly readers = new BlockedReaders();
  private isWaking = false;
  private downUntil = 0;
  private slowUntil = 0;
  private slowByMs = 0;
  private clockOffsetMs = 0;
  private executed = 0;

  constructor({ time, chance, fsync }: ModelRedisOptions) {
    this.time = time;
    this.chance = chance;
    this.refusals = new Refusals(fsync);
    this.commandSet = new ServerCommands({
      fsync,
      now: () => this.clock,
      loading: () =>
        this.refusals.isNow("loading", time.now) ? { etaSeconds: chance.between(0, 1) } : null,
      called: (step, args, reply) => this.onCalled(step, args, reply),
      touch: (key) => this.readers.touch(key),
      publish: (channel, text) => this.publish(channel, text),
    });
    this.synced = this.commandSet.state;
    this.markSynced();
  }

  /** What a test may look at without the network; another object after a `rollBack`. */
  get keyspace(): Keyspace {
    return this.commandSet.state.keyspace;
  }

  /** How many commands were executed or refused. */
  get commands(): number {
    return this.executed;
  }

  /** How many readers are blocked. */
  get blocked(): number {
    return this.readers.all().length;
  }

  /** How many connections the server knows. */
  get connections(): number {
    return this.clients.size;
  }

  /** The server's clock, in whole milliseconds. */
  get clock(): number {
    return Math.floor(this.time.now) + this.clockOffsetMs;
  }

  /** Connections of one process, over its own way. */
  connector(route: Route): ModelConnector {
    return new ModelConnector(this.time, route, this);
  }

  /** One command at the server itself, now: no network, and nothing refuses it. */
  execute(...words: Word[]): Reply {
    const reply = this.commandSet.perform(words);
    this.wake();
    return reply;
  }

  /** kill -9: what has not arrived is lost; started again after `downMs`, and then it loads for a drawn while. */
  kill(downMs: number): void {
    this.downUntil = Math.max(this.downUntil, this.time.now + downMs);
    this.refusals.restarted();
    this.refusals.set("loading", this.downUntil + this.chance.between(0, LOADING_MOST_MS));
    for (const client of [...this.clients]) {
      client.requests.keep(0);
      // The host lives on: it delivers what was written, as far as nothing unread is left, and closes the rest.
      client.answers.keep(this.chance.between(0, client.answers.size));
      this.end(client);
    }
  }

  /** Remembers the present as what is on the disk, or on the replica. */
  markSynced(): void {
    this.synced = copyOf(this.commandSet.state);
  }

  /**
   * Kills it, and starts it with what was marked last (nothing, if nothing was): its host lost power before the file was
   * synced, or, with fsync `always`, a replica that lagged took over.
   */
  rollBack(downMs: number): void {
    this.kill(downMs);
    this.commandSet.state = copyOf(this.synced);
  }

  /** For `ms` it answers with an error: all, or what writes, or what needs memory. */
  refuse(kind: RefusalKind, ms: number): void {
    this.refusals.set(kind, this.time.now + ms);
    if (kind !== "read-only") return;
    // A master that becomes a replica lets go of all who wait.
    for (const client of this.readers.all()) {
      const { call } = client.blocked!;
      call.error = new ReplyError(CHANGED_ROLE);
      client.answers.send(call);
      this.end(client);
    }
  }

  /** For `ms` each command takes `byMs` longer until it is answered: drawn, how much of it before it is executed. */
  slow(byMs: number, ms: number): void {
    this.slowByMs = byMs;
    this.slowUntil = this.time.now + ms;
  }

  /** FUNCTION FLUSH. */
  loseFunctions(): void {
    this.commandSet.state.functions.clear();
  }

  /** The server's clock goes on from another time: that of TIME, of expiries and of streams' ids. */
  jumpClock(byMs: number): void {
    this.clockOffsetMs += byMs;
  }

  /** @internal How much longer something takes that is sent now, either way. */
  delayMs(chance: Chance): number {
    return this.slowUntil > this.time.now ? chance.between(0, this.slowByMs) : 0;
  }

  /** @internal Something has come over the network. */
  receive(client: ServerClient, parcel: Parcel): void {
    if (parcel.kind === "open") return this.accept(client);
    if (!client.isOpen) return;
    if (parcel.kind !== "call") return this.end(client);
    // What a process sent before its end was sent by its host, or was not.
    if (!client.life.isAlive && !this.isStillServed(client)) return;
    if (client.blocked) client.later.push(parcel);
    else {
      this.serve(client, parcel);
      this.wake();
    }
    if (!client.life.isAlive && client.requests.size === 0) this.end(client);
  }

  private accept(client: ServerClient): void {
    if (this.downUntil > this.time.now) {
      client.isOpen = false;
      return client.answers.send(new Signal("refused"));
    }
    this.clients.add(client);
    client.answers.send(new Signal("opened"));
  }

  /** Forgets a connection; what was sent on it before is still on its way. */
  private end(client: ServerClient): void {
    client.isOpen = false;
    this.clients.delete(client);
    this.listeners.delete(client);
    this.readers.remove(client);
    client.later.length = 0;
    client.answers.send(new Signal("close"));
  }

  /** A process that has ended: its connection is closed now, unless the news of it comes after this. */
  private isStillServed(client: ServerClient): boolean {
    if (client.chance.happens(DEATH_UNKNOWN)) return true;
    this.end(client);
    return false;
  }

  private serve(client: ServerClient, call: Call): void {
    const { words } = call;
    try {
      this.executed++;
      const now = this.time.now;
      if (this.refusals.isAny(now)) this.refusals.check(this.commandSet.natureOf(words), now);
      if (words[0] === "PSUBSCRIBE") call.reply = this.subscribe(client, words);
      else {
        call.reply = this.commandSet.perform(words);
        if (call.reply === null && this.blocks(client, call)) return;
      }
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      call.error = error;
    }
    client.answers.send(call);
  }

  private blocks(client: ServerClient, call: Call): boolean {
    const waits = blockingOf(call.words);
    if (!waits) return false;
    const { keys, blockMs } = waits;
    const cancel = blockMs === 0
      ? () => {}
      : this.time.after(blockMs, () => this.waitIsOver(client, call));
    client.blocked = { call, keys, cancel };
    this.readers.add(client, keys);
    return true;
  }

  private waitIsOver(client: ServerClient, call: Call): void {
    this.readers.remove(client);
    if (!client.life.isAlive) return this.end(client);
    client.answers.send(call);
    this.goOn(client);
    this.wake();
  }

  /** Serves what came while it was blocked. */
  private goOn(client: ServerClient): void {
    while (!client.blocked && client.later.length > 0) this.serve(client, client.later.shift()!);
  }

  /** Gives to who waits, in the order in which they came, until nobody is left for whom there is something. */
  private wake(): void {
    if (this.isWaking) return;
    this.isWaking = true;
    for (let some = this.readers.next(); some; some = this.readers.next()) {
      for (const client of some) if (client.blocked) this.tryAgain(client, client.blocked.call);
    }
    this.isWaking = false;
  }

  private tryAgain(client: ServerClient, call: Call): void {
    if (!client.life.isAlive && !this.isStillServed(client)) return;
    try {
      call.reply = this.commandSet.perform(call.words);
      if (call.reply === null) return;
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      call.error = error;
    }
    this.readers.remove(client);
    client.answers.send(call);
    if (client.life.isAlive) this.goOn(client);
    else this.end(client);
  }

  private subscribe(client: ServerClient, words: readonly Word[]): Reply {
    for (const pattern of words.slice(1)) {
      if (client.subscriptions.some((one) => one.pattern === pattern)) continue;
      client.subscriptions.push(subscriptionTo(pattern as string));
    }
    this.listeners.add(client);
    return client.subscriptions.length;
  }

  private publish(channel: string, text: string): number {
    let heardBy = 0;
    for (const client of this.listeners) {
      if (!client.life.isAlive) {
        this.end(client);
        continue;
      }
      for (const { pattern, matches } of client.subscriptions) {
        if (!matches.test(channel)) continue;
        heardBy++;
        client.answers.send(new Message(pattern, channel, text));
      }
    }
    return heardBy;
  }
}
