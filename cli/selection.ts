/** Which instances a command means: by id, by the beginning of an id, by name, by labels, or all of them. */
import { OperationalError } from "../events/errors.ts";
import { ID_PATTERN } from "../events/ids.ts";
import type { InstanceAnswer, WorkerAnswer } from "../http/client/answers.ts";
import type { RemoteClient } from "../http/client/remote_client.ts";
import { RemoteProblem } from "../http/client/remote_problem.ts";
import { UsageError } from "./exit_codes.ts";
import { READS_AT_ONCE, someAtATime } from "./fan_out.ts";
import { namedInstance, shortIds } from "./output/fleet_tables.ts";

/** What was said on the command line. */
export interface Chosen {
  references: readonly string[];
  label?: Readonly<Record<string, string>>;
  all?: boolean;
}

/** A shorter beginning of an id is more likely a slip. */
const PREFIX_MIN = 4;
const SEARCH_MAX = 256;
const CANDIDATES_SHOWN = 10;

/** Whether it is for the fleet to say how many are meant. */
export function isSweeping({ label, all }: Chosen): boolean {
  return label !== undefined || all === true;
}

/**
 * The instances that are meant, each once.
 * @throws {OperationalError} `no_such_instance`, `ambiguous`: then nothing is to be done, for none of them
 */
export async function chosenInstances(
  client: RemoteClient,
  chosen: Chosen,
): Promise<InstanceAnswer[]> {
  const { references, label, all } = chosen;
  const ways = [references.length > 0, label !== undefined, all === true].filter(Boolean).length;
  if (ways !== 1) {
    throw new UsageError(
      ways === 0
        ? "It is not said which instances are meant."
        : "Instances are meant either by name, or by --label, or by --all.",
      "Name them by name or id, or say --label KEY=VALUE, or --all.",
    );
  }
  if (label) return await labelled(client, label);
  if (all) return await client.instances();
  const found = await someAtATime(references, READS_AT_ONCE, (one) => instanceOf(client, one));
  return [...new Map(found.map((one) => [one.id, one])).values()];
}

/**
 * The instances that a command before has asked, by their whole ids, and not looked up: a key holds for one id, also of an
 * instance that is gone.
 */
export function askedBefore({ references, label, all }: Chosen): { id: string; name: string }[] {
  const areIds = references.length > 0 && references.every((one) => ID_PATTERN.test(one));
  if (areIds && !label && !all) return [...new Set(references)].map((id) => ({ id, name: id }));
  throw new UsageError(
    "--idempotency-key is for instances that are named by their whole ids.",
    "The command before has told the id with the key.",
  );
}

/** What a selector of the API can say. */
const PLAIN_VALUE = /^[A-Za-z0-9._/-]*$/;

/** The instances that are meant; those that were deleted as well, by their whole ids. */
export async function knownInstances(
  client: RemoteClient,
  references: readonly string[],
): Promise<{ id: string; name: string }[]> {
  const found = await someAtATime(references, READS_AT_ONCE, (one) => knownInstance(client, one));
  return [...new Map(found.map((one) => [one.id, one])).values()];
}

/** As `knownInstances`. */
export async function knownInstance(
  client: RemoteClient,
  reference: string,
): Promise<{ id: string; name: string }> {
  try {
    const { id, name } = await instanceOf(client, reference);
    return { id, name };
  } catch (error) {
    const isGone = error instanceof RemoteProblem && error.code === "deleted";
    if (isGone) return { id: reference, name: reference };
    throw error;
  }
}

/** Instances that have all of these labels. The API filters as far as it can be told: a value may have commas. */
export async function labelled(
  client: RemoteClient,
  label: Readonly<Record<string, string>>,
  filter: { status?: string; platform?: string; worker?: string; q?: string } = {},
): Promise<InstanceAnswer[]> {
  const wanted = Object.entries(label);
  const selector = wanted.map(([key, value]) => PLAIN_VALUE.test(value) ? `${key}=${value}` : key);
  const found = await client.instances({
    ...filter,
    ...(wanted.length === 0 ? {} : { label: selector.join(",") }),
  });
  return found.filter(({ labels }) => wanted.every(([name, text]) => labels[name] === text));
}

async function instanceOf(client: RemoteClient, reference: string): Promise<InstanceAnswer> {
  const exact = ID_PATTERN.test(reference) ? await byId(client, reference) : null;
  if (exact !== null && !(exact instanceof RemoteProblem)) return exact;
  const near = await client.instances({ q: reference.slice(0, SEARCH_MAX) });
  const candidates = near.filter(({ id, name }) =>
    name === reference || (reference.length >= PREFIX_MIN && id.startsWith(reference))
  );
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined) throw ambiguous(reference, candidates);
  if (exact?.code === "deleted") throw exact;
  throw notFound(reference, near);
}

/** The problem says what it was where it is no more; null: nobody has had this id. */
async function byId(
  client: RemoteClient,
  id: string,
): Promise<InstanceAnswer | RemoteProblem | null> {
  try {
    return await client.instance(id);
  } catch (error) {
    if (!(error instanceof RemoteProblem)) throw error;
    if (error.code === "not_found") return null;
    if (error.code === "deleted") return error;
    throw error;
  }
}

function notFound(reference: string, near: readonly InstanceAnswer[]): OperationalError {
  return new OperationalError(
    "no_such_instance",
    `There is no instance ${JSON.stringify(reference)}.`,
    false,
    near.length === 0
      ? "`draas list` shows the instances there are."
      : `Similar: ${shown(near.map(namedInstance))}.`,
  );
}

function ambiguous(reference: string, candidates: readonly InstanceAnswer[]): OperationalError {
  const short = shortIds(candidates.map(({ id }) => id));
  return new OperationalError(
    "ambiguous",
    `${JSON.stringify(reference)} means ${candidates.length} instances; nothing was done.`,
    false,
    `Name one by its id: ${shown(candidates.map(({ id, name }) => `${short.get(id)} (${name})`))}.`,
  );
}

/**
 * The workers that are meant, by id or by its beginning, each once.
 * @throws {OperationalError} `no_such_worker`, `ambiguous`
 */
export async function chosenWorkers(
  client: RemoteClient,
  references: readonly string[],
): Promise<WorkerAnswer[]> {
  const workers = await client.workers();
  const found = references.map((reference) => {
    const exact = workers.find(({ id }) => id === reference);
    const near = reference.length < PREFIX_MIN
      ? []
      : workers.filter(({ id }) => id.startsWith(reference));
    const [only, ...others] = near;
    if (exact ?? (only !== undefined && others.length === 0)) return exact ?? only!;
    throw only === undefined
      ? new OperationalError(
        "no_such_worker",
        `There is no worker ${JSON.stringify(reference)}.`,
        false,
        "`draas workers` shows the workers there are.",
      )
      : new OperationalError(
        "ambiguous",
        `${JSON.stringify(reference)} means ${near.length} workers; nothing was done.`,
        false,
        `Name one by its whole id: ${shown(near.map(({ id }) => id))}.`,
      );
  });
  return [...new Map(found.map((one) => [one.id, one])).values()];
}

function shown(texts: readonly string[]): string {
  const rest = texts.length - CANDIDATES_SHOWN;
  return texts.slice(0, CANDIDATES_SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
