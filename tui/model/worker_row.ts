/** A worker as its screen shows it: what the API answers, in words that are safe to print, and what it runs. Pure. */
import type { WorkerAnswer } from "../../http/client/answers.ts";
import { printable } from "../terminal_text.ts";
import type { FleetIndex } from "./fleet_index.ts";
import type { Instance } from "./instance.ts";
import type { Tone } from "./line.ts";
import { type Model, shownFleet, shownWorkers } from "./model.ts";

/** Times are epoch milliseconds. Texts are printable; `id` is what the API calls it, and may not be. */
export interface WorkerRow {
  id: string;
  name: string;
  platform: string;
  site: string;
  version: string;
  /** `team=core,zone=a`. */
  labels: string;
  isDraining: boolean;
  isLost: boolean;
  isSilent: boolean;
  /** Commands that it has in hand, of how many at once. */
  busy: number;
  slots: number;
  registeredAt: number;
  heardAt: number;
  /** The instances that its site may be running for it, in no order. */
  instances: readonly Instance[];
}

/** All workers, by id. */
export function workerRows(model: Model): WorkerRow[] {
  const loads = loadsOf(shownFleet(model).instances);
  return sorted(shownWorkers(model)).map((answer) => rowOf(answer, loads));
}

type Instances = FleetIndex["instances"];
type Loads = ReadonlyMap<string, readonly Instance[]>;

/** Every line of a screen asks for them, and few frames have another fleet than the one before. */
const known = new WeakMap<Instances, Loads>();

function loadsOf(instances: Instances): Loads {
  const found = known.get(instances);
  if (found) return found;
  const loads = new Map<string, Instance[]>();
  for (const instance of instances.values()) {
    const { worker } = instance;
    if (worker === "") continue;
    const load = loads.get(worker);
    if (load) load.push(instance);
    else loads.set(worker, [instance]);
  }
  known.set(instances, loads);
  return loads;
}

/** Their ids, in the same order. */
export function workerIds(model: Model): string[] {
  return sorted(shownWorkers(model)).map(({ id }) => id);
}

/** How it is, with a sign, a word and a tone: what is worst comes first. */
export function workerState(
  { isLost, isSilent, isDraining }: Pick<WorkerRow, "isLost" | "isSilent" | "isDraining">,
): { text: string; tone: Tone } {
  if (isLost) return { text: "✖ lost", tone: "bad" };
  if (isSilent) return { text: "◌ silent", tone: "bad" };
  return isDraining ? { text: "▼ draining", tone: "busy" } : { text: "● live", tone: "good" };
}

/** How many of them run now. */
export function runningOf({ instances }: WorkerRow): number {
  return instances.filter(({ status }) => status === "Running").length;
}

/** What it has, by name. */
export function instancesByName({ instances }: WorkerRow): Instance[] {
  return [...instances].sort((a, b) => a.name < b.name ? -1 : Number(a.name > b.name));
}

function sorted(workers: readonly WorkerAnswer[]): WorkerAnswer[] {
  return [...workers].sort((a, b) => a.id < b.id ? -1 : Number(a.id > b.id));
}

function rowOf(answer: WorkerAnswer, loads: Loads): WorkerRow {
  const name = printable(answer.id);
  const labels = Object.entries(answer.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    id: answer.id,
    name,
    platform: printable(answer.platform),
    site: printable(answer.site),
    version: printable(answer.version),
    labels: printable(labels.join(",")),
    isDraining: answer.draining,
    isLost: answer.lost,
    isSilent: answer.silent,
    busy: answer.busy,
    slots: answer.slots,
    registeredAt: Date.parse(answer.registeredAt),
    heardAt: Date.parse(answer.lastHeartbeatAt),
    instances: loads.get(name) ?? [],
  };
}
