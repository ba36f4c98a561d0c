/** What each limit comes to in the words of control groups and of `ulimit`. Pure. */
import type { LimitName, Limits } from "../../events/limits.ts";
import type { Controller } from "./cgroup_mounts.ts";

/** A line to write into a file of a group. One that is not `needed` only makes the limit tighter where there is such a file. */
export interface Setting {
  file: string;
  value: string;
  needed: boolean;
}

/** The limits that a controller of control groups holds. */
export const GROUP_LIMITS: Readonly<Record<Controller, LimitName>> = {
  memory: "memoryBytes",
  cpu: "cpus",
  pids: "processes",
};

const CPU_PERIOD_US = 100_000;
const KIBIBYTE = 1_024;

/** What to write for a limit into a group of the given version. */
export function settingsFor(controller: Controller, version: 1 | 2, value: number): Setting[] {
  switch (controller) {
    case "memory":
      // Without the second, a host with swap would move what is too much there, and never end it.
      return version === 2
        ? [
          needed("memory.max", value),
          optional("memory.swap.max", 0),
          optional("memory.oom.group", 1),
        ]
        : [needed("memory.limit_in_bytes", value), optional("memory.memsw.limit_in_bytes", value)];
    case "cpu": {
      const quota = Math.round(value * CPU_PERIOD_US);
      return version === 2
        ? [needed("cpu.max", `${quota} ${CPU_PERIOD_US}`)]
        : [needed("cpu.cfs_period_us", CPU_PERIOD_US), needed("cpu.cfs_quota_us", quota)];
    }
    case "pids":
      return [needed("pids.max", value)];
  }
}

/**
 * What the shim sets for itself: open files always; and the memory of each single process (its private writable part),
 * where no group holds that of all of them.
 */
export function ulimitsFor(limits: Limits, isMemoryHeld: boolean): string[] {
  const { openFiles, memoryBytes } = limits;
  return [
    ...(openFiles === undefined ? [] : [`n=${openFiles}`]),
    ...(memoryBytes === undefined || isMemoryHeld
      ? []
      : [`d=${Math.ceil(memoryBytes / KIBIBYTE)}`]),
  ];
}

/** What to say of a limit that no group holds. */
export function whyNotHeld(controller: Controller, reason: string): string {
  const besides = controller === "memory"
    ? "; each process by itself is held to it, by its resource limit"
    : "";
  return `${reason}${besides}`;
}

function needed(file: string, value: number | string): Setting {
  return { file, value: String(value), needed: true };
}

function optional(file: string, value: number | string): Setting {
  return { file, value: String(value), needed: false };
}
