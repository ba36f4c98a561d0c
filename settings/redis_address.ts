/** Where Redis is: the forms in which people write it, made one, and the form in which it may be shown. */

/** A URL for the Redis adapter, or the form that the text must have. */
export type RedisAddress = { ok: true; url: string } | { ok: false; form: string };

const FORM =
  "redis://[user:password@]host[:port][/db], rediss://… for TLS, unix:///path, redis+sentinel://host:port,…/name, " +
  "redis+cluster://host:port,… or host:port[,password=…,user=…,ssl=true]";
/** What is behind it is read, and refused with words, by the adapter. */
const URL_FORM = /^(rediss?(\+sentinel|\+cluster)?|unix):\/\/\S+$/;
const HOST_AND_PORT = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/;
const PORT = 6379;
const PORT_WITH_TLS = 6380;
/** Options of connection strings that change nothing of where Redis is and how to get in. */
const PASSED_OVER = new Set([
  "abortconnect",
  "allowadmin",
  "asynctimeout",
  "checkcertificaterevocation",
  "clientname",
  "configcheckseconds",
  "connectretry",
  "connecttimeout",
  "highintegrity",
  "keepalive",
  "name",
  "protocol",
  "resolvedns",
  "responsetimeout",
  "setlib",
  "synctimeout",
  "version",
]);

/**
 * Understands a URL or a connection string of StackExchange.Redis.
 * @example
 * ```ts
 * import { parseRedisAddress } from "./redis_address.ts";
 * parseRedisAddress("localhost:6379"); // { ok: true, url: "redis://localhost:6379" }
 * ```
 */
export function parseRedisAddress(text: string): RedisAddress {
  const url = text.includes("://") ? text.trim() : urlOfConnectionString(text);
  return url !== null && URL_FORM.test(url) && canDecode(url) && hasPossiblePorts(url)
    ? { ok: true, url }
    : { ok: false, form: FORM };
}

/** The only way in which an address, or a text that may have one in it, is shown: without what opens it. */
export function withoutRedisSecrets(text: string): string {
  return text
    .replace(/((?:rediss?(?:\+\w+)?|unix):\/\/)(?!\[user:password@\])[^\s/]*@/gi, "$1***@")
    .replace(/\bpassword=(?!…)[^,&\s]*/gi, "password=***");
}

/** A port that cannot be would else be waited for as if its Redis were away. */
function hasPossiblePorts(url: string): boolean {
  const places = url.replace(/^[^:]+:\/\/([^/]*@)?/, "").split("/", 1)[0]!;
  return places.split(",").every((place) => Number(/:(\d+)$/.exec(place)?.[1] ?? PORT) <= 65_535);
}

/** A `%` of a password stands in a URL as `%25`. */
function canDecode(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

function isHostAndPort(text: string): boolean {
  const found = HOST_AND_PORT.exec(text);
  return found !== null && Number(found[1] ?? PORT) <= 65_535;
}

function urlOfConnectionString(text: string): string | null {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  const hosts = parts.filter((part) => !part.includes("="));
  const options = new Map(
    parts.filter((part) => part.includes("=")).map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const;
    }),
  );
  const take = (name: string) => {
    const value = options.get(name) ?? "";
    options.delete(name);
    return value;
  };
  const [user, password, sentinelOf] = [take("user"), take("password"), take("servicename")];
  const hasTls = take("ssl").toLowerCase() === "true";
  const database = take("defaultdatabase");
  if ([...options.keys()].some((name) => !PASSED_OVER.has(name))) return null;
  if (hosts.length === 0 || !hosts.every(isHostAndPort)) return null;
  const kind = sentinelOf ? "+sentinel" : hosts.length > 1 ? "+cluster" : "";
  const port = hasTls ? PORT_WITH_TLS : PORT;
  const places = hosts.map((host) => /:\d+$/.test(host) || kind ? host : `${host}:${port}`);
  const secret = password || user
    ? `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`
    : "";
  const path = sentinelOf || database;
  return `redis${hasTls ? "s" : ""}${kind}://${secret}${places.join(",")}${path && `/${path}`}`;
}
