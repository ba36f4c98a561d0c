/** What a success must be to be an answer of DRaaS: one object, with what its reader cannot do without. */
import type { JsonObject } from "../../events/json.ts";
import {
  callRemote,
  objectOf,
  type RemoteCall,
  type RemoteOptions,
  type RemoteReply,
} from "./remote_call.ts";

/** How long a client waits for what needs no worker. */
export const READ_LIMIT_MS = 30_000;

/** Whether an object is what was asked for; another server may speak JSON, too. */
export type IsOurs = (answer: JsonObject) => boolean;

/** One thing, by its id. */
export function hasId({ id }: JsonObject): boolean {
  return typeof id === "string";
}

/** A list. */
export function hasItems({ items }: JsonObject): boolean {
  return Array.isArray(items);
}

/** A read, as far as its caller says it. */
export type RemoteRead =
  & Pick<RemoteCall, "path">
  & Partial<Pick<RemoteCall, "query" | "waitMs" | "limitMs" | "isRepeated">>;

/** Reads one object; it can be asked for again. Throws as `callRemote`. */
export async function readRemote<T>(
  options: RemoteOptions,
  read: RemoteRead,
  isOurs: IsOurs,
): Promise<T> {
  return (await readReply<T>(options, read, isOurs)).answer;
}

/** As `readRemote`, with what the answer says beside its body. */
export async function readReply<T>(
  options: RemoteOptions,
  read: RemoteRead,
  isOurs: IsOurs,
): Promise<{ answer: T } & Pick<RemoteReply, "isStale" | "dateMs">> {
  const call: RemoteCall = {
    limitMs: READ_LIMIT_MS,
    ...read,
    method: "GET",
    repetition: "idempotent",
  };
  const reply = await callRemote(options, call);
  const { isStale, dateMs } = reply;
  return { answer: objectOf(reply, options.url, isOurs) as T, isStale, dateMs };
}
