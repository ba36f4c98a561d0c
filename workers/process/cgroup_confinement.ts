/** Limits by control groups of either version, as far as the host lets this worker make some; by `ulimit` besides. */
import { type Clock, sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { LimitName, Limits } from "../../events/limits.ts";
import { type CgroupPlaces, cgroupPlaces, type Controller } from "./cgroup_mounts.ts";
import script from "./cgroups.sh" with { type: "text" };
import type { Confined, Confinement } from "./confinement.ts";
import { GROUP_LIMITS, settingsFor, ulimitsFor, whyNotHeld } from "./limit_settings.ts";
import { ShellAnswers } from "./shell_answers.ts";

export interface CgroupOptions {
  clock: Clock;
  site: string;
  /** The host's `PATH`. */
  path: string;
  /** Leaves out a version that the host has: for tests of the others. */
  versions?: { first: boolean; second: boolean };
  /** Where the worker's mounts and membership are told; by default the kernel's own. */
  self?: string;
}

/** A hierarchy that holds one or more of our limits, or only lets all of a run be ended at once. */
interface Hierarchy {
  /** The folder of this site in it: the groups of runs are made there. */
  folder: string;
  version: 1 | 2;
}

/** What this host offers, found out once. */
interface Offers {
  held: Partial<Record<Controller, Hierarchy>>;
  /** Why a controller holds nothing. */
  reasons: Partial<Record<Controller, string>>;
  /** Of version 2: there all of a run ends by one write. */
  unified: Hierarchy | null;
}

const CONTROLLERS = Object.keys(GROUP_LIMITS) as Controller[];
const REASON_CHARACTERS_MAX = 200;
/** A group counts its processes until they are wholly gone, a moment longer than it lists them. */
const DROP_TRIES = 20;
const DROP_PAUSE_MS = 25;

/** Opens it; nothing is asked of the host before the first run with limits. */
export function openCgroupConfinement(options: CgroupOptions): Confinement {
  return new CgroupConfinement(options);
}

class CgroupConfinement implements Confinement {
  readonly #shell: ShellAnswers;
  #offers: Promise<Offers> | null = null;
  #swept: Promise<void> = Promise.resolve();
  /** Folders of this site that may be empty at the end. */
  readonly #used = new Set<string>();
  readonly #releases = new Set<Promise<void>>();

  constructor(private readonly options: CgroupOptions) {
    const { clock, path } = options;
    this.#shell = new ShellAnswers(
      clock,
      { script, name: "draas-cgroups", argument: "", path },
      shellLost,
    );
  }

  async confine(runId: string, limits: Limits): Promise<Confined> {
    // A group that is just made is as empty as one that was left.
    await this.#swept.catch(() => {});
    const wanted = CONTROLLERS.filter((one) => limits[GROUP_LIMITS[one]] !== undefined);
    const offers = await this.#known();
    const held: Limits = {};
    const notSet: Record<string, string> = {};
    const heldIn: Partial<Record<LimitName, string>> = {};
    const hierarchies = new Set<Hierarchy>(offers.unified === null ? [] : [offers.unified]);
    for (const one of wanted) if (offers.held[one]) hierarchies.add(offers.held[one]);
    const folders = new Map([...hierarchies].map((one) => [one, `${one.folder}/${runId}`]));
    const fault = folders.size === 0
      ? null
      : await this.#do(`make ${[...folders.values()].join(" ")}`);
    for (const controller of wanted) {
      const name = GROUP_LIMITS[controller];
      const hierarchy = offers.held[controller];
      const value = limits[name]!;
      const reason = !hierarchy
        ? offers.reasons[controller] ?? "unknown"
        : fault ?? await this.#set(controller, hierarchy.version, folders.get(hierarchy)!, value);
      if (reason !== null) notSet[name] = whyNotHeld(controller, reason);
      else {
        held[name] = value;
        heldIn[name] = joinOf(folders.get(hierarchy!)!);
      }
    }
    if (limits.openFiles !== undefined) held.openFiles = limits.openFiles;
    return {
      joins: fault === null ? [...folders.values()].map(joinOf) : [],
      ulimits: ulimitsFor(limits, held.memoryBytes !== undefined),
      limits: held,
      notSet,
      heldIn,
    };
  }

  async end(joins: readonly string[]): Promise<number> {
    if (joins.length === 0) return 0;
    const [found] = await this.#shell.ask(`end ${joins.map(folderOf).join(" ")}`);
    return Number(found ?? 0);
  }

  release(joins: readonly string[]): Promise<void> {
    const release = this.#release(joins).finally(() => this.#releases.delete(release));
    this.#releases.add(release);
    return release;
  }

  async #release(joins: readonly string[]): Promise<void> {
    if (joins.length === 0) return;
    for (const join of joins) this.#used.add(folderOf(folderOf(join)));
    let left = joins.map(folderOf);
    for (let tries = 0; left.length > 0 && tries < DROP_TRIES; tries++) {
      if (tries > 0) await sleep(this.options.clock, DROP_PAUSE_MS);
      left = await this.#shell.ask(`drop ${left.join(" ")}`);
    }
  }

  sweep(): Promise<void> {
    return this.#swept = this.#sweep();
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#swept, ...this.#releases]);
    // Empty ones only: what runs on keeps its own.
    if (this.#used.size > 0) {
      await this.#shell.ask(`drop ${[...this.#used].join(" ")}`).catch(() => []);
    }
    await this.#shell.close();
  }

  async #sweep(): Promise<void> {
    const places = await this.#places();
    const own = new Set([...Object.values(places.first), places.second].filter((one) => one));
    for (const folder of own) await this.#shell.ask(`sweep ${this.#siteFolder(folder!)}`);
  }

  #known(): Promise<Offers> {
    this.#offers ??= this.#findOut();
    // What could not be asked (the shell ended) is asked again by the next start.
    this.#offers.catch(() => this.#offers = null);
    return this.#offers;
  }

  async #findOut(): Promise<Offers> {
    const places = await this.#places();
    const offers: Offers = { held: {}, reasons: {}, unified: null };
    const made = new Map<string, Hierarchy | string>();
    for (const controller of CONTROLLERS) {
      const own = places.first[controller];
      if (own === undefined) continue;
      if (!made.has(own)) made.set(own, await this.#open(own, 1));
      const hierarchy = made.get(own)!;
      if (typeof hierarchy === "string") offers.reasons[controller] = hierarchy;
      else offers.held[controller] = hierarchy;
    }
    const unified = places.second === null ? null : await this.#open(places.second, 2);
    if (unified !== null && typeof unified !== "string") offers.unified = unified;
    for (const controller of CONTROLLERS.filter((one) => places.first[one] === undefined)) {
      const fault = typeof unified === "string"
        ? unified
        : unified && await this.#enable(controller, places.second!);
      if (unified === null) offers.reasons[controller] = "this host shows no control groups";
      else if (fault !== null) offers.reasons[controller] = fault;
      else offers.held[controller] = unified as Hierarchy;
    }
    return offers;
  }

  /** The folder of this site below `own`, made if need be; or why there is none. */
  async #open(own: string, version: 1 | 2): Promise<Hierarchy | string> {
    const folder = this.#siteFolder(own);
    const fault = await this.#do(`make ${folder}`);
    this.#used.add(folder);
    return fault === null
      ? { folder, version }
      : `no control group can be made in ${own}: ${fault}`;
  }

  /** In version 2 a group offers its children only what is passed on, and passes on nothing while it holds processes itself. */
  async #enable(controller: Controller, own: string): Promise<string | null> {
    const offered = (await this.#show(`${own}/cgroup.controllers`)).join(" ").split(" ");
    if (!offered.includes(controller)) {
      return `the control group ${own} does not have the ${controller} controller`;
    }
    for (const folder of [own, this.#siteFolder(own)]) {
      const fault = await this.#do(`put ${folder}/cgroup.subtree_control +${controller}`);
      if (fault !== null) {
        return `the ${controller} controller cannot be passed on by ${folder}: ${fault}`;
      }
    }
    return null;
  }

  async #set(
    controller: Controller,
    version: 1 | 2,
    folder: string,
    value: number,
  ): Promise<string | null> {
    for (const setting of settingsFor(controller, version, value)) {
      const fault = await this.#do(`put ${folder}/${setting.file} ${setting.value}`);
      if (fault !== null && setting.needed) return `${folder}/${setting.file}: ${fault}`;
    }
    return null;
  }

  async #places(): Promise<CgroupPlaces> {
    const self = this.options.self ?? "/proc/self";
    const mounts = await this.#show(`${self}/mountinfo`);
    const membership = await this.#show(`${self}/cgroup`);
    const found = cgroupPlaces(mounts, membership);
    const { first = true, second = true } = this.options.versions ?? {};
    return { first: first ? found.first : {}, second: second ? found.second : null };
  }

  #siteFolder(own: string): string {
    return `${own}/draas-${this.options.site}`;
  }

  async #show(path: string): Promise<string[]> {
    return (await this.#shell.ask(`show ${path}`)).map((line) => line.slice(1));
  }

  /** Null when it is done, else the host's reason. */
  async #do(line: string): Promise<string | null> {
    const [reason] = await this.#shell.ask(line);
    return reason === undefined
      ? null
      : reason.slice(reason.lastIndexOf(": ") + 2).slice(0, REASON_CHARACTERS_MAX);
  }
}

function joinOf(folder: string): string {
  return `${folder}/cgroup.procs`;
}

function folderOf(join: string): string {
  return join.slice(0, join.lastIndexOf("/"));
}

function shellLost(): OperationalError {
  return new OperationalError(
    "process_table_lost",
    "the shell that keeps the host's control groups ended",
    true,
    "Try again; if it persists, check that sh, mkdir and rmdir are on the worker's PATH.",
  );
}
