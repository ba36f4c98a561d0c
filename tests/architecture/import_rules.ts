/** Who may import whom: the table of design §7, libraries in their folders, and no cycles. */
import type { SourceFile } from "./source_file.ts";

/**
 * Each part of the program and what it may import besides itself. A file belongs to the longest
 * entry that its path begins with; what has no entry may not exist.
 */
export const IMPORT_TABLE: Readonly<Record<string, readonly string[]>> = {
  "events/": [],
  "machines/": ["events/"],
  "actors/": ["events/", "machines/"],
  "adapters/host/": ["events/"],
  "adapters/embedded/": ["events/"],
  "adapters/memory/": ["events/", "adapters/embedded/"],
  "adapters/sqlite/": ["events/", "adapters/embedded/"],
  "adapters/redis/": ["events/"],
  "adapters/prometheus/": ["events/", "machines/"],
  "adapters/opentelemetry/": ["events/"],
  "workers/": ["events/"],
  "workers/templates/": ["events/", "workers/"],
  // A program of its own; it shares the shape of its configuration and nothing else.
  "workers/templates/stand_in/": ["events/"],
  "workers/process/": ["events/", "workers/", "workers/templates/"],
  "workers/docker/": ["events/", "workers/", "workers/templates/"],
  "workers/kubernetes/": ["events/", "workers/", "workers/templates/"],
  // Pure but for carrying a plan out, over the ports that it is given.
  "fleet/": ["events/", "machines/", "actors/system_port.ts"],
  "http/": ["events/", "machines/", "fleet/", "actors/system_port.ts"],
  // Knows of the server what travels, and nothing else.
  "http/client/": ["events/"],
  // The fleet's door and what comes through it, wherever the control plane is.
  "tui/": [
    "events/",
    "machines/",
    "http/client/fleet_port.ts",
    "http/client/answers.ts",
    "http/client/wishes.ts",
  ],
  "cli/": ["events/", "settings/", "http/client/", "tui/"],
  "settings/": ["events/"],
  "config.ts": ["events/", "settings/"],
};

/** Libraries that only some folders may know. Keys ending in `/` are prefixes. */
export const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  "xstate": ["machines/"],
  "hono": ["http/"],
  "@hono/": ["http/"],
  "@scalar/": ["http/"],
  "ink": ["tui/"],
  "react": ["tui/"],
  "rfc6902": ["http/"],
  "string-width": ["tui/"],
  "node:sqlite": ["adapters/sqlite/"],
  "ioredis": ["adapters/redis/"],
  "dockerode": ["workers/docker/"],
  "tar-stream": ["workers/docker/"],
  "@kubernetes/": ["workers/kubernetes/"],
  "@opentelemetry/": ["adapters/opentelemetry/"],
  "commander": ["cli/"],
  "node:timers": ["adapters/host/"],
  "node:timers/": ["adapters/host/"],
  "node:perf_hooks": ["adapters/host/"],
  "node:process": [],
  "node:child_process": [],
  "node:fs": ["adapters/", "workers/"],
  "node:fs/": ["adapters/", "workers/"],
};

/** The entries: nothing imports them, and they compose. */
const ENTRIES: readonly string[] = ["main.ts", "cli/draas.ts"];
/** Composes, one file a program, so it may import everything; only the entry imports it. */
const COMPOSITION = "programs/";

/** Imports that the table does not allow. */
export function importFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const { path } = file;
    const part = partOf(path);
    if (part === null) {
      return [`${path} belongs to no part of the import table`];
    }
    return file.imports.flatMap(({ target, line }) => {
      if (target === null || mayImport(part, target)) return [];
      return [`${path}:${line} imports ${target}; ${part} may import ${allowedText(part)}`];
    });
  });
}

/** Libraries outside their folder. */
export function libraryFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, line, names }) => {
      const found = Object.entries(LIBRARIES).find(([name]) =>
        name.endsWith("/") ? specifier.startsWith(name) : specifier === name
      );
      const homes = found?.[1];
      if (homes && !homes.some((home) => path.startsWith(home))) {
        return [
          `${path}:${line} imports ${specifier}, which belongs in ${
            homes.join(", ") || "no folder"
          }`,
        ];
      }
      const chance = names.find((name) => specifier === "node:crypto" && /^random/.test(name));
      return chance && !path.startsWith("adapters/host/")
        ? [`${path}:${line} takes ${chance} from the host; use the port Ids or Randomness`]
        : [];
    })
  );
}

/** Each way in which files import each other in a circle, told once. */
export function cycleFaults(files: readonly SourceFile[]): string[] {
  const targets = new Map(files.map(({ path, imports }) => [
    path,
    imports.flatMap(({ target }) => target === null ? [] : [target]),
  ]));
  const done = new Set<string>();
  const faults: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const begin = way.indexOf(path);
    if (begin >= 0) {
      faults.push(`import cycle: ${[...way.slice(begin), path].join(" -> ")}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return faults;
}

function partOf(path: string): string | null {
  const root = [...ENTRIES, COMPOSITION].find((one) => path.startsWith(one));
  if (root) return root;
  const parts = Object.keys(IMPORT_TABLE).filter((part) => path.startsWith(part));
  return parts.sort((a, b) => b.length - a.length)[0] ?? null;
}

function mayImport(part: string, target: string): boolean {
  if (ENTRIES.includes(target)) return false;
  if (ENTRIES.includes(part) || part === COMPOSITION) return true;
  const wanted = partOf(target);
  return wanted === part || IMPORT_TABLE[part]!.some((one) => one === wanted || one === target);
}

function allowedText(part: string): string {
  return IMPORT_TABLE[part]?.join(", ") || "nothing of ours";
}
