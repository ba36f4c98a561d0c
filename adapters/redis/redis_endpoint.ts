/** Where Redis is: one server, a Sentinel group or a Cluster, from one URL. It opens connections; it never prints secrets. */
import { Cluster, Redis } from "ioredis";
import { OperationalError } from "../../events/errors.ts";
import type { RedisConnection, RedisConnector, Role } from "./redis_connection.ts";

/** An answer that takes longer counts as lost. Blocking reads have their own limit. */
export const ANSWER_WITHIN_MS = 3_000;
const CONNECT_WITHIN_MS = 3_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;

interface Address {
  host: string;
  port: number;
}

interface ParsedUrl {
  kind: "single" | "sentinel" | "cluster";
  addresses: Address[];
  isTls: boolean;
  username?: string;
  password?: string;
  db?: number;
  master?: string;
  /** `unix:` only. */
  path?: string;
}

const FORMS = "redis://[user:password@]host:6379, rediss://… (TLS), unix:///path/to/socket, " +
  "redis+sentinel://host:26379,host:26379/master, redis+cluster://host:6379,host:6379";

/** The endpoint of a URL. `random` spreads reconnects of many clients. */
export class RedisEndpoint implements RedisConnector {
  private readonly parsed: ParsedUrl;

  /** @throws {OperationalError} `redis_url_invalid` */
  constructor(url: string, private readonly random: () => number) {
    this.parsed = parseUrl(url);
  }

  get name(): string {
    const { kind, addresses, master, path } = this.parsed;
    const where = path ?? addresses.map(({ host, port }) => `${host}:${port}`).join(",");
    if (kind === "single") return where;
    return kind === "sentinel" ? `${where}/${master}` : `cluster ${where}`;
  }

  open(role: Role): RedisConnection {
    const { kind, addresses, path, master, db } = this.parsed;
    const options = connectionOptions(this.parsed, role, this.random);
    if (kind === "cluster") {
      return new Cluster(addresses, {
        redisOptions: options,
        enableOfflineQueue: options.enableOfflineQueue,
        // As below: what a lost connection did not answer must not be sent again.
        retryDelayOnFailover: 0,
        clusterRetryStrategy: options.retryStrategy,
        lazyConnect: false,
      });
    }
    if (kind === "sentinel") {
      return new Redis({ ...options, sentinels: addresses, name: master!, db: db ?? 0 });
    }
    return new Redis(path ? { ...options, path } : { ...options, ...addresses[0]!, db: db ?? 0 });
  }

  masters(connection: RedisConnection): RedisConnection[] {
    return connection instanceof Cluster ? connection.nodes("master") : [connection];
  }
}

function connectionOptions(parsed: ParsedUrl, role: Role, random: () => number) {
  const { username, password, isTls, kind } = parsed;
  const isBlocking = role === "tail" || role === "take" || role === "queries";
  return {
    protocol: 2 as const,
    connectionName: `draas-${role}`,
    connectTimeout: CONNECT_WITHIN_MS,
    retryStrategy: (times: number) =>
      Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(times, 10)) *
      (0.5 + random() / 2),
    // A write that was sent and not answered must not be sent again behind our back: `traps.md` 27, 28.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    // Whoever listens subscribes each time that it is ready: a failure of what is done behind its back nobody could handle.
    autoResubscribe: false,
    ...(isBlocking ? {} : { commandTimeout: ANSWER_WITHIN_MS }),
    ...(isTls ? { tls: {} } : {}),
    ...(isTls && kind === "sentinel" ? { enableTLSForSentinelMode: true } : {}),
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
  };
}

function parseUrl(text: string): ParsedUrl {
  const match = text.match(
    /^(redis|rediss|unix|redis\+sentinel|rediss\+sentinel|redis\+cluster|rediss\+cluster):\/\/(?:([^@/]*)@)?([^/?]*)(\/[^?]*)?$/,
  );
  if (!match) throw invalid("it has none of the known forms");
  const [, scheme = "", secret, hosts = "", rest = ""] = match;
  const credentials = credentialsOf(secret);
  if (scheme === "unix") {
    return { kind: "single", addresses: [], isTls: false, path: rest, ...credentials };
  }
  const [transport, group] = scheme.split("+");
  const kind = (group ?? "single") as ParsedUrl["kind"];
  const addresses = hosts.split(",").map((one) => addressOf(one, kind));
  if (kind === "single" && addresses.length > 1) throw invalid("it names more than one host");
  const isTls = transport === "rediss";
  const last = decodeURIComponent(rest.slice(1));
  if (kind === "sentinel") {
    if (last === "") throw invalid("it names no master");
    return { kind, addresses, isTls, master: last, ...credentials };
  }
  if (last !== "" && !/^\d{1,4}$/.test(last)) throw invalid("its database is not a number");
  return {
    kind,
    addresses,
    isTls,
    ...(last === "" ? {} : { db: Number(last) }),
    ...credentials,
  };
}

function credentialsOf(secret: string | undefined): { username?: string; password?: string } {
  if (secret === undefined || secret === "") return {};
  const colon = secret.indexOf(":");
  if (colon < 0) throw invalid("its user name has no password");
  const username = decodeURIComponent(secret.slice(0, colon));
  const password = decodeURIComponent(secret.slice(colon + 1));
  return { password, ...(username ? { username } : {}) };
}

function addressOf(text: string, kind: ParsedUrl["kind"]): Address {
  const [, host, port] = text.match(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/) ?? [];
  if (!host) throw invalid(text === "" ? "it names no host" : "a host in it is malformed");
  return {
    host: host.replace(/^\[|\]$/g, ""),
    port: port ? Number(port) : kind === "sentinel" ? 26_379 : 6_379,
  };
}

function invalid(fault: string): OperationalError {
  return new OperationalError(
    "redis_url_invalid",
    `REDIS_URL is not valid: ${fault}.`,
    false,
    `It must be one of ${FORMS}.`,
  );
}
