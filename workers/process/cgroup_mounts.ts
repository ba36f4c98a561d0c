/**
 * Where this host keeps control groups, and in which of them the worker is: read from its mounts and its membership. Pure.
 * Both versions may be there at once ("hybrid"), and then a controller is in one of them.
 */

export type Controller = "memory" | "cpu" | "pids";

/** The folders below which a worker may make groups of its own. */
export interface CgroupPlaces {
  /** By controller: the worker's own group in the hierarchy of version 1 that has it. */
  first: Partial<Record<Controller, string>>;
  /** The group of version 2 that was given to the worker; null where there is none. */
  second: string | null;
}

/** The name of the group that a delegated worker is put into, so that its parent is free for others: see `docs/process-worker.md`. */
const WORKER_LEAF = "worker";
const CONTROLLERS: readonly Controller[] = ["memory", "cpu", "pids"];

/**
 * @param mountinfo lines of `/proc/self/mountinfo`
 * @param membership lines of `/proc/self/cgroup`
 */
export function cgroupPlaces(
  mountinfo: readonly string[],
  membership: readonly string[],
): CgroupPlaces {
  const places: CgroupPlaces = { first: {}, second: null };
  for (const { type, options, root, point } of mountinfo.flatMap(mountOf)) {
    if (type === "cgroup2") {
      const own = folderOf(point, root, pathIn(membership, (names) => names === ""));
      places.second ??= own === null ? null : withoutLeaf(own, point);
      continue;
    }
    for (const name of CONTROLLERS.filter((one) => options.includes(one))) {
      const own = folderOf(
        point,
        root,
        pathIn(membership, (names) => names.split(",").includes(name)),
      );
      if (own !== null) places.first[name] ??= own;
    }
  }
  return places;
}

interface Mount {
  type: string;
  options: string[];
  root: string;
  point: string;
}

/** `36 31 0:33 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory` */
function mountOf(line: string): Mount[] {
  const words = line.split(" ");
  const [root, point] = [words[3], words[4]];
  const [type, , options] = words.slice(words.indexOf("-", 6) + 1);
  const isCgroup = type === "cgroup" || type === "cgroup2";
  if (!isCgroup || root === undefined || point === undefined) return [];
  // A space in a path comes as \040: then it is somebody else's, and no place for us.
  if (point.includes("\\")) return [];
  return [{ type, options: options?.split(",") ?? [], root, point }];
}

/** `4:memory:/some/group`, `0::/` for version 2. */
function pathIn(
  membership: readonly string[],
  isMeant: (controllers: string) => boolean,
): string | null {
  for (const line of membership) {
    const [, names, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (names !== undefined && path !== undefined && isMeant(names)) return path;
  }
  return null;
}

/** A container sees its own group as the root of the mount, and its path from the host's root. */
function folderOf(point: string, root: string, path: string | null): string | null {
  if (path === null || /\s/.test(path) || path.includes("..")) return null;
  if (root === "/") return path === "/" ? point : `${point}${path}`;
  return path === root
    ? point
    : path.startsWith(`${root}/`)
    ? `${point}${path.slice(root.length)}`
    : point;
}

function withoutLeaf(own: string, point: string): string {
  return own !== point && own.endsWith(`/${WORKER_LEAF}`)
    ? own.slice(0, -WORKER_LEAF.length - 1)
    : own;
}
