/** Looks at one life of the control plane from outside: its log, its API and the host's processes, until they agree. */
import { instanceView } from "../../http/instance_view.ts";
import { statusOf } from "../../machines/status.ts";
import { isThere, type MarkedProcess, processesOf, signal } from "../support/marked_processes.ts";
import {
  followLog,
  type History,
  inHandFaults,
  isAtRest,
  type LiveServer,
  neverTwoFaults,
  ownerFaults,
} from "../history/history_checker.ts";
import type { VictimProcess } from "./victim_process.ts";

/** An instance as the API lists it. */
export interface Listed {
  id: string;
  name: string;
  version: number;
  [field: string]: unknown;
}

/** What an inspection found. `died`: the control plane ended before it was over. */
export type Inspection = { kind: "died" } | { kind: "done"; faults: string[]; fleet: Listed[] };

/** Log and processes agree within this, or they never will. */
const AGREE_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 25;
const SAMPLE_EVERY_MS = 25;

/** Follows the log to its end; null when the control plane died first. */
export async function catchUp(victim: VictimProcess, history: History): Promise<string[] | null> {
  const faults: string[] = [];
  for (;;) {
    const report = await victim.report(history.position);
    // What was found in the pages before is found, whatever comes after.
    if (report === null) return faults.length > 0 ? faults : null;
    faults.push(...followLog(history, report.events));
    // Only the end of the log says what is in hand.
    if (report.events.length < 5_000) return [...faults, ...inHandFaults(history, report.inHand)];
  }
}

/** Waits until each instance was seen to be what the log says of it; tells which one never was. */
export async function inspect(
  victim: VictimProcess,
  api: { url: string; client: Deno.HttpClient },
  history: History,
  site: { id: string; folder: string },
): Promise<Inspection> {
  const agreed = new Set<string>();
  const foldersOf = (instanceId: string) => [`${site.folder}/${instanceId}`];
  const end = performance.now() + AGREE_WITHIN_MS;
  for (;;) {
    const before = await list(api);
    const servers = serversOf(site.id);
    const faults = await catchUp(victim, history);
    if (before === null || faults === null) return { kind: "died" };
    if (faults.length > 0) return { kind: "done", faults, fleet: before };
    const seen = { history, listings: [before], servers, foldersOf };
    const disagreements = disagreeing(seen, agreed);
    if (disagreements.length === 0) return { kind: "done", faults: [], fleet: before };
    if (performance.now() > end) return { kind: "done", faults: disagreements, fleet: before };
    await pause(LOOK_EVERY_MS);
  }
}

/** What one look found. */
export interface Seen {
  history: History;
  /** The fleet as each node lists it. */
  listings: readonly (readonly Listed[])[];
  servers: readonly LiveServer[];
  /** The folders that go with the delete of an instance. */
  foldersOf(instanceId: string): readonly string[];
}

/** One look: adds whom it found in order to `agreed`, and says what is wrong with the others. */
export function disagreeing(seen: Seen, agreed: Set<string>): string[] {
  const { history, servers } = seen;
  const ids = new Set([...history.states.keys(), ...servers.map((one) => one.instanceId)]);
  const faults: string[] = [];
  for (const instanceId of ids) {
    if (agreed.has(instanceId)) continue;
    const found = faultsOfOne(instanceId, seen);
    if (found.length === 0) agreed.add(instanceId);
    faults.push(...found);
  }
  return faults;
}

function faultsOfOne(
  instanceId: string,
  { history, listings, servers, foldersOf }: Seen,
): string[] {
  const state = history.states.get(instanceId);
  if (state && !isAtRest(state)) {
    const hands = state.context.commands.map(({ kind, accepted }) =>
      `${kind}${accepted ? " (accepted)" : ""}`
    );
    return [
      `${instanceId} does not come to rest: ${statusOf(state)}, in hand: ${
        hands.join(", ") || "nothing"
      }`,
    ];
  }
  const faults = ownerFaults(instanceId, state, servers);
  const views = listings.map((listed) => listed.find(({ id }) => id === instanceId));
  if (!state || statusOf(state) === "Deleted") {
    if (views.some(Boolean)) faults.push(`${instanceId} is listed, and deleted in the log`);
    const left = foldersOf(instanceId).filter(exists);
    return [...faults, ...left.map((folder) => `the folder ${folder} outlives its instance`)];
  }
  // The API was asked before the log: it may have moved on in between, and the next look will do.
  const expected = JSON.stringify(instanceView(state));
  for (const view of views) {
    // How a server does is what its worker says, not what the log holds.
    const shown = JSON.stringify(view && { ...view, metrics: undefined });
    if (shown !== expected) faults.push(`the API shows ${shown}, the log folds to ${expected}`);
  }
  return faults;
}

/** The fleet as the API lists it; null when nobody answers. */
export async function list(
  { url, client }: { url: string; client: Deno.HttpClient },
): Promise<Listed[] | null> {
  try {
    const response = await fetch(`${url}/api/server/instances?limit=500`, { client });
    return (await response.json()).items;
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The live servers of these sites, and their children; no shims. */
export function serversOf(...sites: readonly string[]): LiveServer[] {
  return marked(sites);
}

function marked(sites: readonly string[]): MarkedProcess[] {
  return processesOf(...sites).filter(({ isShim }) => !isShim);
}

/** Kills a live server of an instance, as an operator or the kernel might; false if there is none. */
export function slay(sites: readonly string[], instanceId: string): boolean {
  const server = marked(sites).find((one) => one.instanceId === instanceId && one.leads);
  return server !== undefined && signal(server, "SIGKILL");
}

/** Looks again and again for two live runs of one instance, until it is closed. */
export class Sampler {
  readonly faults: string[] = [];
  looks = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(private readonly sites: () => readonly string[], everyMs = SAMPLE_EVERY_MS) {
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const sites = this.sites();
    if (sites.length === 0 || this.faults.length > 0) return;
    this.looks++;
    const found = marked(sites);
    if (neverTwoFaults(found).length === 0) return;
    // A look takes a while: only who is still there after it was there all through it.
    const lasting = found.filter(isThere);
    this.faults.push(...neverTwoFaults(lasting));
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, delayMs));
}
