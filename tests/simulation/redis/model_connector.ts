/** One process's way to the model of Redis: its connections, and what may happen to all of them at once. */
import type {
  RedisConnection,
  RedisConnector,
  Role,
} from "../../../adapters/redis/redis_connection.ts";
import type { Chance } from "../chance.ts";
import type { Life, VirtualTime } from "../virtual_time.ts";
import { ModelConnection } from "./model_connection.ts";
import { Lane, type Network, type Parcel, Signal } from "./model_wire.ts";
import { ServerClient } from "./server_client.ts";

/** A packet takes 0 or 1 ms; this share of them takes longer. */
const SLOW_SHARE = 0.02;
const SLOW_LEAST_MS = 5;
const SLOW_MOST_MS = 50;

/** One process's way to Redis: whose it is, and the chance that draws what happens on it. */
export interface Route {
  life: Life;
  chance: Chance;
}

/** What a way leads to. */
export interface Server {
  /** How much longer than its way something takes that is sent now. */
  delayMs(chance: Chance): number;
  /** Something has come from `client`. */
  receive(client: ServerClient, parcel: Parcel): void;
}

/** Opens connections over one way; each life of a process has its own. */
export class ModelConnector implements RedisConnector, Network {
  readonly name = "model";
  silentUntil = 0;
  private delayedUntil = 0;
  private delayByMs = 0;
  private readonly clients = new Set<ServerClient>();

  constructor(
    readonly time: VirtualTime,
    private readonly route: Route,
    private readonly server: Server,
  ) {}

  get chance(): Chance {
    return this.route.chance;
  }

  open(role: Role): RedisConnection {
    return new ModelConnection(this.time, this.route, role, (receive) => this.dial(receive));
  }

  masters(connection: RedisConnection): RedisConnection[] {
    return [connection];
  }

  /**
   * Resets all its connections now. Of what is on the way to Redis a drawn part arrives and is executed; no answer
   * arrives.
   */
  cut(): void {
    for (const client of this.clients) {
      const { requests, answers } = client;
      requests.keep(this.chance.between(0, requests.size));
      requests.send(new Signal("close"));
      answers.reset();
    }
  }

  /** Nothing arrives for `ms`, in neither direction, and nobody is told; what was sent meanwhile arrives after it. */
  silence(ms: number): void {
    this.silentUntil = Math.max(this.silentUntil, this.time.now + ms);
  }

  /** What is sent within `ms` takes `byMs` longer, in each direction. */
  delay(byMs: number, ms: number): void {
    this.delayByMs = byMs;
    this.delayedUntil = this.time.now + ms;
  }

  delayMs(): number {
    const drawn = this.route.chance.fraction();
    const usual = drawn * 2 < 1 - SLOW_SHARE ? 0 : 1;
    const ms = drawn < 1 - SLOW_SHARE ? usual : this.chance.between(SLOW_LEAST_MS, SLOW_MOST_MS);
    const heldUpMs = this.delayedUntil > this.time.now ? this.delayByMs : 0;
    return ms + heldUpMs + this.server.delayMs(this.chance);
  }

  private dial(receive: (parcel: Parcel) => void): Lane {
    const { life } = this.route;
    for (const client of this.clients) if (!client.isOpen) this.clients.delete(client);
    const requests: Lane = new Lane(this, null, (parcel) => this.server.receive(client, parcel));
    const client = new ServerClient(life, this.chance, requests, new Lane(this, life, receive));
    this.clients.add(client);
    return requests;
  }
}
