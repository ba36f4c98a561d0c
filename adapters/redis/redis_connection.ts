/** What the adapter needs of a connection to Redis, so that a simulated one can take ioredis' place. */

/** One connection. An ioredis `Redis` or `Cluster` is one. */
export interface RedisConnection {
  /** `ready`: what is called is sent at once. Otherwise calls fail, and were not sent. */
  readonly status: string;
  call(command: string, ...args: (string | Buffer | number)[]): Promise<unknown>;
  /** As `call`, with the answer's texts as bytes. */
  callBuffer(command: string, ...args: (string | Buffer | number)[]): Promise<unknown>;
  psubscribe(pattern: string): Promise<unknown>;
  /** Closes it for good: it does not connect again, and what it was asked fails. */
  disconnect(): void;
  /** `ready` and `close` come each time that it connects or is lost, `end` when it does not try again. */
  on(event: "ready" | "close" | "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(
    event: "pmessage",
    listener: (pattern: string, channel: string, message: string) => void,
  ): unknown;
  once(event: "ready" | "close", listener: () => void): unknown;
}

/** What a connection is for. Each role has its own, since a blocking read holds up all that comes after it. Design §5. */
export type Role = "calls" | "tail" | "replies" | "take" | "queries";

/** Opens connections to one Redis. */
export interface RedisConnector {
  /** Where it is, without secrets: for messages. */
  readonly name: string;
  /** A connection that has begun to connect, and goes on trying when it is lost. */
  open(role: Role): RedisConnection;
  /** The connections to each server that keeps functions of its own: all masters of a cluster, or this one. */
  masters(connection: RedisConnection): RedisConnection[];
}
