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
  const end = performance.now() + AGREE_WITHIN_MS;
  for (;;) {
    const before = await list(api);
    const servers = serversOf(site.id);
    const faults = await catchUp(victim, history);
    if (before === null || faults === null) return { kind: "died" };
    if (faults.length > 0) return { kind: "done", faults, fleet: before };
    const disagreements = disagreeing(history, before, servers, site, agreed);
    if (disagreements.length === 0) return { kind: "done", faults: [], fleet: before };
    if (performance.now() > end) return { kind: "done", faults: disagreements, fleet: before };
    await pause(LOOK_EVERY_MS);
  }
}

/** One look: adds whom it found in order to `agreed`, and says what is wrong with the others. */
function disagreeing(
  history: History,
  listed: readonly Listed[],
  servers: readonly LiveServer[],
  site: { folder: string },
  agreed: Set<string>,
): string[] {
  const ids = new Set([...history.states.keys(), ...servers.map((one) => one.instanceId)]);
  const faults: string[] = [];
  for (const instanceId of ids) {
    if (agreed.has(instanceId)) continue;
    const found = faultsOfOne(instanceId, history, listed, servers, site);
    if (found.length === 0) agreed.add(instanceId);
    faults.push(...found);
  }
  return faults;
}

function faultsOfOne(
  instanceId: string,
  history: History,
  listed: readonly Listed[],
  servers: readonly LiveServer[],
  site: { folder: string },
): string[] {
  const state = history.states.get(instanceId);
  const shown = listed.find(({ id }) => id === instanceId);
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
  if (!state || statusOf(state) === "Deleted") {
    if (shown) faults.push(`${instanceId} is listed, and deleted in the log`);
    if (exists(`${site.folder}/${instanceId}`)) {
      faults.push(`the folder of ${instanceId} outlives it`);
    }
    return faults;
  }
  // The API was asked before the log: it may have moved on in between, and the next look will do.
  const expected = JSON.stringify(instanceView(state));
  if (JSON.stringify(shown) !== expected) {
    faults.push(`the API shows ${JSON.stringify(shown)}, the log folds to ${expected}`);
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

/** The live servers of a site, and their children; no shims. */
export function serversOf(site: string): LiveServer[] {
  return marked(site);
}

function marked(site: string): MarkedProcess[] {
  return processesOf(site).filter(({ isShim }) => !isShim);
}

/** Kills a live server of an instance, if there is one, as an operator or the kernel might. */
export function slay(site: string, instanceId: string): void {
  const server = marked(site).find((one) => one.instanceId === instanceId && one.leads);
  if (server) signal(server, "SIGKILL");
}

/** Looks again and again for two live runs of one instance, until it is closed. */
export class Sampler {
  readonly faults: string[] = [];
  looks = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(private readonly site: () => string | null) {
    this.#timer = setInterval(() => this.#look(), SAMPLE_EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const site = this.site();
    if (site === null || this.faults.length > 0) return;
    this.looks++;
    const found = marked(site);
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
