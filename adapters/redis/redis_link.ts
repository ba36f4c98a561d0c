/**
 * The one way to Redis for everything that is asked and answered: it knows the functions, gives each failure its
 * meaning, and refuses at once while Redis is away. Blocking reads have connections of their own (`open`).
 */
import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
} from "cockatiel";
import type { Clock } from "../../events/clock.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { AvailabilityChange, LogAvailability, Subscription } from "../../events/event_log.ts";
import { logClosed } from "../../events/log_refusals.ts";
import type { FunctionLibrary } from "./function_library.ts";
import type { RedisKeys } from "./keys.ts";
import type { RedisConnection, RedisConnector, Role } from "./redis_connection.ts";
import {
  failureOf,
  isAnswered,
  isFunctionMissing,
  isUnsent,
  unavailable,
} from "./redis_failure.ts";

/** While Redis does not answer it is tried with one call in this time. */
const PROBE_EVERY_MS = 500;

/** An argument of a Redis command. */
export type Argument = string | number | Uint8Array;

export class RedisLink implements LogAvailability {
  private readonly client: RedisConnection;
  private readonly breaker: CircuitBreakerPolicy;
  private readonly listeners = new Set<(change: AvailabilityChange) => void>();
  private readonly opened = new Set<RedisConnection>();
  private reason: string | null = "not connected yet";
  private isClosed = false;
  private stopProbing: (() => void) | null = null;
  private isReturning = false;
  /** Counts losses: what was looked at before one says nothing of what is there after it. */
  private losses = 0;
  private calls = 0;
  private idle: (() => void) | null = null;

  /** `onReturn` is awaited each time that Redis is there again, before anybody else hears of it. */
  constructor(
    private readonly connector: RedisConnector,
    readonly keys: RedisKeys,
    private readonly functions: FunctionLibrary,
    private readonly clock: Clock,
    private readonly onReturn: () => Promise<AvailabilityChange | null>,
  ) {
    this.breaker = circuitBreaker(handleWhen((error) => !isAnswered(error) && !isUnsent(error)), {
      halfOpenAfter: PROBE_EVERY_MS,
      breaker: new ConsecutiveBreaker(2),
    });
    this.client = this.open("calls");
    this.client.on("ready", () => void this.returned());
    this.client.on("close", () => this.lost("the connection to Redis is lost"));
    this.breaker.onBreak(() => this.lost("Redis does not answer"));
    this.breaker.onReset(() => void this.returned());
  }

  /** Where Redis is, without secrets. */
  get name(): string {
    return this.connector.name;
  }

  away(): string | null {
    return this.isClosed ? "this program has closed it" : this.reason;
  }

  watch(listener: (change: AvailabilityChange) => void): Subscription {
    this.listeners.add(listener);
    return { close: () => void this.listeners.delete(listener) };
  }

  /** Tells all who watch. */
  tell(change: AvailabilityChange): void {
    for (const listener of [...this.listeners]) listener(change);
  }

  /** A connection for a role that blocks or listens; it is closed with the link, unless it was let go before. */
  open(role: Role): RedisConnection {
    const client = this.connector.open(role);
    // Each failure is told by the call that it ends; a connection that is lost is told by `away`.
    client.on("error", (error) => this.lastError = reasonOf(error));
    this.opened.add(client);
    return client;
  }

  /** Closes a connection for good, and forgets it: between two attempts ioredis tells of no end. */
  letGo(client: RedisConnection): void {
    this.opened.delete(client);
    client.disconnect();
  }

  /** Why the last connection failed, for whoever waits for the first one. */
  lastError: string | null = null;

  /** Calls a function of the library as a write: a lost answer is `log_indeterminate`. `more` keys follow the base. */
  write(step: string, more: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.call(true, () => this.run(step, more, args));
  }

  /** Calls a function of the library that reads only. */
  read(step: string, args: readonly Argument[]): Promise<unknown> {
    return this.call(false, () => this.run(step, [], args));
  }

  /** A plain command that may be repeated without harm: a lost answer is `log_unavailable`. */
  ask(command: string, ...args: Argument[]): Promise<unknown> {
    return this.call(false, () => send(this.client, command, args));
  }

  /** As `ask`, with the answer's texts as bytes. */
  askBytes(command: string, ...args: Argument[]): Promise<unknown> {
    return this.call(
      false,
      () => this.client.callBuffer(command, ...args as (string | Buffer | number)[]),
    );
  }

  /** Waits for what is under way, then lets go of every connection. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stopProbing?.();
    if (this.calls > 0) await new Promise<void>((resolve) => this.idle = resolve);
    for (const client of [...this.opened]) this.letGo(client);
  }

  private async call<T>(isWrite: boolean, send: () => Promise<T>): Promise<T> {
    if (this.isClosed) throw logClosed();
    if (this.reason !== null) throw unavailable(this.reason);
    this.calls++;
    try {
      return await this.breaker.execute(send);
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw unavailable("Redis does not answer");
      throw failureOf(error, isWrite);
    } finally {
      if (--this.calls === 0) this.idle?.();
    }
  }

  private async run(
    step: string,
    more: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const { base } = this.keys;
    const words = [`${this.functions.name}_${step}`, base.length + more.length, ...base, ...more];
    try {
      return await send(this.client, "FCALL", [...words, ...args]);
    } catch (error) {
      if (!isFunctionMissing(error)) throw error;
      // A FUNCTION FLUSH, or a Redis that was put back: nothing was done, so it is called once more.
      await this.load();
      return await send(this.client, "FCALL", [...words, ...args]);
    }
  }

  /** Puts this release's library where it is to be found; a user that may not do that relies on the nodes'. */
  async publishLibrary(): Promise<void> {
    try {
      await this.call(false, () => this.load());
    } catch (error) {
      if (!(error instanceof OperationalError) || error.code !== "library_missing") throw error;
    }
  }

  private async load(): Promise<void> {
    try {
      // A cluster keeps functions for each node apart, and the fleet's slot may be on, or move to, any master.
      await Promise.all(
        this.connector.masters(this.client).map((master) =>
          send(master, "FUNCTION", ["LOAD", "REPLACE", this.functions.text])
        ),
      );
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOPERM")) throw error;
      throw new OperationalError(
        "library_missing",
        `Redis has no function library ${this.functions.name}, and this user may not load it.`,
        true,
        "Start a control plane of this release first: it loads the library.",
      );
    }
  }

  /** Somebody has seen what speaks against going on: all are refused until it has been looked at. */
  doubt(reason: string): void {
    this.lost(reason);
    void this.returned();
  }

  private lost(reason: string): void {
    if (this.isClosed) return;
    const isNew = this.reason === null;
    this.losses++;
    this.reason = reason;
    if (this.breaker.state === CircuitState.Open) this.probe();
    if (isNew) this.tell({ kind: "away", reason });
  }

  /** Nobody asks while Redis is away, so somebody must look whether it answers again. */
  private probe(): void {
    this.stopProbing?.();
    this.stopProbing = this.clock.after(PROBE_EVERY_MS, () => {
      this.stopProbing = null;
      this.breaker.execute(() => send(this.client, "PING", [])).catch(() => {
        if (!this.isClosed && this.breaker.state !== CircuitState.Closed) this.probe();
      });
    });
  }

  private async returned(): Promise<void> {
    if (this.isClosed || this.client.status !== "ready") return;
    if (this.breaker.state !== CircuitState.Closed) return this.probe();
    // One look at a time: two would tell of one loss twice, or of the second as if it were the first.
    if (this.reason === null || this.isReturning) return;
    this.isReturning = true;
    const { losses } = this;
    try {
      const change = await this.onReturn();
      const isThere = losses === this.losses;
      if (isThere) this.reason = null;
      if (change) this.tell(change);
      if (isThere) this.tell({ kind: "back" });
    } catch (error) {
      // It went away again, or is not ready to be asked (it loads its data): the next look tells.
      this.reason = reasonOf(error);
      this.clock.after(PROBE_EVERY_MS, () => void this.returned());
    } finally {
      this.isReturning = false;
    }
    if (losses !== this.losses) void this.returned();
  }

  /** For `onReturn`, which looks while everybody else is still refused. */
  look(command: string, ...args: Argument[]): Promise<unknown> {
    return send(this.client, command, args).catch((error) => {
      throw failureOf(error, false);
    });
  }
}

/** One command on a connection. */
export function send(
  client: RedisConnection,
  command: string,
  args: readonly Argument[],
): Promise<unknown> {
  return client.call(command, ...args as (string | Buffer | number)[]);
}
