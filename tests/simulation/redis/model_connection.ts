/**
 * A connection in ioredis' place: the states, events, errors and time limits that ioredis 6 has with the options of
 * `adapters/redis/redis_endpoint.ts`, in virtual time. Where ioredis is odd, so is this.
 */
import type { RedisConnection, Role } from "../../../adapters/redis/redis_connection.ts";
import type { VirtualTime } from "../virtual_time.ts";
import { Call, type Lane, type Parcel, Signal } from "./model_wire.ts";
import type { Route } from "./model_connector.ts";
import { inBytes, inTexts } from "./model_answers.ts";
import type { Word } from "./reply.ts";

/** The options of `redis_endpoint.ts`, and ioredis' own where that is silent. */
const COMMAND_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 3_000;
const DISCONNECT_TIMEOUT_MS = 2_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;
/** While Redis says that its loading ends within the second, ioredis asks on and on: here in these steps. */
const LOADING_POLL_MS = 20;

const NOT_WRITABLE = "Stream isn't writeable and enableOfflineQueue options is false";
const CLOSED = "Connection is closed.";
const IN_SUBSCRIBER_MODE = "Connection in subscriber mode, only subscriber commands may be used";

type Listener = (...args: never[]) => void;

/** Opens one lane each way; what comes back is given to `receive`. */
export type Dial = (receive: (parcel: Parcel) => void) => Lane;

export class ModelConnection implements RedisConnection {
  status = "connecting";
  private readonly isBlocking: boolean;
  private readonly listeners = new Map<string, Listener[]>();
  /** Where commands go to; null while there is no connection. */
  private lane: Lane | null = null;
  /** Sent, and not answered: in order, also those that have timed out. */
  private readonly sent: Call[] = [];
  private isWatching = false;
  private retries = 0;
  private cancelRetry: (() => void) | null = null;
  /** Its side of the stream has ended: nothing more can be written. */
  private isEnding = false;
  private isLeaving = false;
  /** Patterns that this session listens to, as far as the server has confirmed. */
  private patterns: string[] = [];

  constructor(
    private readonly time: VirtualTime,
    private readonly route: Route,
    role: Role,
    private readonly dial: Dial,
  ) {
    this.isBlocking = role === "tail" || role === "take" || role === "queries";
    this.connect();
  }

  call(command: string, ...args: (string | Uint8Array | number)[]): Promise<unknown> {
    return this.ask(command, args, false);
  }

  callBuffer(command: string, ...args: (string | Uint8Array | number)[]): Promise<unknown> {
    return this.ask(command, args, true);
  }

  psubscribe(pattern: string): Promise<unknown> {
    return this.ask("PSUBSCRIBE", [pattern], false);
  }

  disconnect(): void {
    if (this.status === "end") return;
    this.isLeaving = true;
    // Between two attempts ioredis stops trying and says nothing: no `end` comes.
    this.cancelRetry?.();
    this.cancelRetry = null;
    this.endStream();
  }

  on(event: string, listener: Listener): this {
    const known = this.listeners.get(event);
    if (known) known.push(listener);
    else this.listeners.set(event, [listener]);
    return this;
  }

  once(event: string, listener: () => void): this {
    const wrapped = () => {
      const all = this.listeners.get(event)!;
      all.splice(all.indexOf(wrapped), 1);
      listener();
    };
    return this.on(event, wrapped);
  }

  private ask(
    command: string,
    args: (string | Uint8Array | number)[],
    isBytes: boolean,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const words: Word[] = [command.toUpperCase()];
      for (const arg of args) words.push(typeof arg === "number" ? String(arg) : arg);
      const call = new Call(words, isBytes, this.time.now, resolve, reject);
      if (this.status === "end") return reject(new Error(CLOSED));
      if (this.patterns.length > 0 && words[0] !== "PSUBSCRIBE" && words[0] !== "PING") {
        return reject(new Error(IN_SUBSCRIBER_MODE));
      }
      const isWritable = this.status === "ready" && !this.isEnding;
      if (!isWritable) return reject(new Error(NOT_WRITABLE));
      this.send(call);
    });
  }

  private send(call: Call): void {
    this.sent.push(call);
    this.lane!.send(call);
    this.watch();
  }

  /** One timer for all calls of the connection, since all have the same limit. */
  private watch(): void {
    if (this.isBlocking || this.isWatching) return;
    this.isWatching = true;
    this.time.after(COMMAND_TIMEOUT_MS, this.timeOut, this.route.life);
  }

  private readonly timeOut = (): void => {
    this.isWatching = false;
    let next = Infinity;
    for (const call of this.sent) {
      if (call.isSettled) continue;
      const dueAt = call.askedAt + COMMAND_TIMEOUT_MS;
      if (dueAt <= this.time.now) fail(call, new Error("Command timed out"));
      else next = Math.min(next, dueAt);
    }
    if (next === Infinity) return;
    this.isWatching = true;
    this.time.after(next - this.time.now, this.timeOut, this.route.life);
  };

  private connect(): void {
    this.status = "connecting";
    this.isEnding = false;
    this.patterns = [];
    const lane: Lane = this.dial((parcel) => {
      if (this.lane === lane) this.receive(lane, parcel);
    });
    this.lane = lane;
    lane.send(new Signal("open"));
    this.time.after(CONNECT_TIMEOUT_MS, () => {
      if (this.lane !== lane || this.status !== "connecting") return;
      this.emit("error", new Error("connect ETIMEDOUT"));
      lane.send(new Signal("close"));
      this.lost();
    }, this.route.life);
  }

  private receive(lane: Lane, parcel: Parcel): void {
    switch (parcel.kind) {
      case "call":
        return this.answered(parcel);
      case "message":
        return this.emit("pmessage", parcel.pattern, parcel.channel, parcel.text);
      case "opened":
        if (this.isEnding) return;
        this.status = "connect";
        return this.checkReady(lane);
      case "refused":
        this.emit("error", new Error("connect ECONNREFUSED"));
        return this.lost();
      case "reset":
        this.emit("error", new Error("read ECONNRESET"));
        return this.lost();
      case "close":
        return this.lost();
    }
  }

  private answered(call: Call): void {
    // After a fatal error nothing that comes is read.
    if (this.sent[0] !== call) return;
    this.sent.shift();
    if (!call.error && call.words[0] === "PSUBSCRIBE") {
      for (const pattern of call.words.slice(1)) this.patterns.push(pattern as string);
    }
    if (call.error) fail(call, call.error);
    else if (!call.isSettled) {
      call.isSettled = true;
      call.resolve(call.isBytes ? inBytes(call.reply) : inTexts(call.reply));
    }
  }

  /** ioredis is ready when INFO says that Redis has loaded its data. */
  private checkReady(lane: Lane): void {
    if (this.lane !== lane || this.isEnding) return;
    this.send(
      new Call(["INFO"], false, this.time.now, (info) => {
        if (this.lane !== lane || this.isEnding) return;
        const eta = (info as string).match(/^loading:1\r?\n(?:.*\r?\n)*?loading_eta_seconds:(\d)/m);
        if (!eta) return this.becomeReady();
        const againMs = Math.max(LOADING_POLL_MS, Number(eta[1]) * 1_000);
        this.time.after(againMs, () => this.checkReady(lane), this.route.life);
      }, (error) => {
        if (this.lane !== lane || this.isEnding) return;
        this.flush(error);
        this.emit("error", error);
        this.endStream();
      }),
    );
  }

  private becomeReady(): void {
    this.status = "ready";
    this.retries = 0;
    this.emit("ready");
  }

  private endStream(): void {
    const { lane } = this;
    if (!lane || this.isEnding) return;
    this.isEnding = true;
    lane.send(new Signal("close"));
    this.time.after(DISCONNECT_TIMEOUT_MS, () => {
      if (this.lane === lane) this.lost();
    }, this.route.life);
  }

  private lost(): void {
    this.lane = null;
    this.patterns = [];
    if (this.isLeaving) {
      this.status = "end";
      this.emit("close");
      this.emit("end");
      return this.flush(new Error(CLOSED));
    }
    this.status = "reconnecting";
    const most = RETRY_FIRST_MS * 2 ** Math.min(++this.retries, 10);
    const retryMs = Math.min(RETRY_MAX_MS, most) * (0.5 + this.route.chance.fraction() / 2);
    this.cancelRetry = this.time.after(Math.round(retryMs), () => {
      this.cancelRetry = null;
      this.connect();
    }, this.route.life);
    this.emit("close");
    this.flush(mostRetries());
  }

  private flush(error: Error): void {
    for (const call of this.sent.splice(0)) fail(call, error);
  }

  private emit(event: string, ...args: unknown[]): void {
    const known = this.listeners.get(event);
    if (!known) return;
    for (const listener of [...known]) (listener as (...args: unknown[]) => void)(...args);
  }
}

function fail(call: Call, error: Error): void {
  if (call.isSettled) return;
  call.isSettled = true;
  call.reject(error);
}

function mostRetries(): Error {
  const error = new Error(
    'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
  );
  error.name = "MaxRetriesPerRequestError";
  return error;
}
