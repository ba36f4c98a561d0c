/** The way to a namespace for whoever copies its log or imports one: no node, no worker, and a library of its own. */
import type { Clock } from "../../../events/clock.ts";
import { OperationalError } from "../../../events/errors.ts";
import type { FunctionLibrary } from "../function_library.ts";
import { RedisKeys } from "../keys.ts";
import { untilReady } from "../redis_broker.ts";
import { RedisEndpoint } from "../redis_endpoint.ts";
import { RedisLink } from "../redis_link.ts";
import { ServerCheck } from "../server_check.ts";
import copy from "./copy.lua" with { type: "text" };

/** Grows with each change of the functions. */
const LIBRARY = "draas_copy_v1";

/** Which log of which Redis. */
export interface CopyPlace {
  /** One of the forms of `redis_endpoint.ts`. */
  url: string;
  namespace: string;
  clock: Clock;
}

/** The functions as Redis takes them. */
export function copyLibrary(): FunctionLibrary {
  return { name: LIBRARY, text: `#!lua name=${LIBRARY}\nlocal LIBRARY = '${LIBRARY}'\n${copy}` };
}

/**
 * Connects, and checks that Redis is fit for a log.
 * @throws {OperationalError} `redis_url_invalid`, `redis_unreachable`, `redis_refused`, `redis_evicts`
 */
export async function openCopyLink({ url, namespace, clock }: CopyPlace): Promise<RedisLink> {
  const link = linkTo({ url, namespace, clock });
  try {
    await untilReady(link, clock);
    await new ServerCheck(link, clock).warnings();
    return link;
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** What is known of an import that was begun and not finished. */
export interface ImportMark {
  /** Of this import alone. */
  id: string;
  /** Epoch milliseconds by the clock of whoever began it. */
  begunAt: number;
}

/** The field of `meta` that holds the mark; see `copy.lua`. */
export const MARK = "import";

/**
 * Refuses a namespace whose import was not finished: nothing of it is there yet, and a fleet that begins there would
 * keep it out for good.
 * @throws {OperationalError} `import_unfinished`; as `openCopyLink`
 */
export async function refuseUnfinishedImport(place: CopyPlace): Promise<void> {
  const link = linkTo(place);
  try {
    await untilReady(link, place.clock);
    const text = await link.ask("HGET", link.keys.meta, MARK) as string | null;
    if (text === null) return;
    const { begunAt } = JSON.parse(text) as ImportMark;
    throw new OperationalError(
      "import_unfinished",
      `An import into the namespace ${place.namespace} was begun at ${
        new Date(begunAt).toISOString()
      } and is not finished.`,
      true,
      "Wait for its end, or run it again with the same file (deno task log:import --from FILE): it begins anew.",
    );
  } finally {
    await link.close();
  }
}

function linkTo({ url, namespace, clock }: CopyPlace): RedisLink {
  const endpoint = new RedisEndpoint(url, () => 1);
  const keys = new RedisKeys(namespace);
  return new RedisLink(endpoint, keys, copyLibrary(), clock, () => Promise.resolve(null));
}
