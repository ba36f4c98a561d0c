/** The fleet as it is, as fleet files that ask for nothing else: what apply has made by its fleet, the rest by ids. Pure. */
import { canonicalJson, type JsonObject } from "../events/json.ts";
import { DEFAULT_RESTART_POLICY } from "../events/specification.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { specificationView } from "./entry_plan.ts";
import { RESERVED_LABELS } from "./fleet_file.ts";

/** An instance and the fleet that has made it, if one has. */
export interface Origin {
  state: InstanceState;
  /** Null: it was made by a user, or is called otherwise than its fleet has called it. */
  fleet: string | null;
}

interface Entry {
  name: string;
  written: JsonObject;
}

/** What the file is called that has what no fleet has made. */
const REST = "adopted";

/** One file a fleet, by their names; last the one of those that no fleet has made. */
export function exportedFiles(origins: readonly Origin[]): JsonObject[] {
  const made = [...new Set(origins.flatMap(({ fleet }) => fleet ?? []))].sort();
  const files = made.map((fleet) => {
    const own = origins.filter((one) => one.fleet === fleet).map(({ state }) => entryOf(state));
    return { fleet, instances: asMembers(counted(own)) };
  });
  const rest = origins.filter(({ fleet }) => fleet === null).map(({ state }) => state);
  return rest.length === 0 ? files : [...files, { fleet: freeName(made), instances: byIds(rest) }];
}

/** All that is not as in an instance of which nothing is said. */
function entryOf({ context }: InstanceState): Entry {
  const view = specificationView(context.specification!);
  const { name, description, platform, template, labels, restartPolicy } = view;
  const { onWorkerLost, leaseMs, workerLabels, limits, serverConfiguration } = view;
  const own = Object.entries(labels as JsonObject)
    .filter(([key]) => !key.startsWith(RESERVED_LABELS));
  const policy = Object.entries(restartPolicy as JsonObject).filter(([key, value]) =>
    value !== (DEFAULT_RESTART_POLICY as JsonObject)[key]
  );
  return {
    name: String(name),
    written: {
      ...(description === "" ? {} : { description: description! }),
      ...(platform === "process" ? {} : { platform: platform! }),
      template: template!,
      ...unlessEmpty("labels", Object.fromEntries(own)),
      ...(context.desired === "running" ? {} : { desired: "stopped" }),
      ...unlessEmpty("restartPolicy", Object.fromEntries(policy)),
      ...(onWorkerLost === "wait" ? {} : { onWorkerLost: onWorkerLost!, leaseMs: leaseMs! }),
      ...unlessEmpty("workerLabels", workerLabels as JsonObject),
      ...unlessEmpty("limits", limits as JsonObject),
      ...unlessEmpty("serverConfiguration", serverConfiguration as JsonObject),
    },
  };
}

/** `web-1` to `web-9`, where they are all the same, as `web` with a count. */
function counted(entries: readonly Entry[]): Entry[] {
  const names = new Set(entries.map(({ name }) => name));
  const series = new Map<string, Entry[]>();
  for (const entry of entries) {
    const stem = /^(.*\S)-[1-9]\d*$/s.exec(entry.name)?.[1];
    if (stem !== undefined && !names.has(stem)) {
      series.set(stem, [...series.get(stem) ?? [], entry]);
    }
  }
  const folded = new Map([...series].filter(([stem, some]) => isSeries(stem, some)));
  const inSeries = new Set([...folded.values()].flat());
  return [
    ...entries.filter((entry) => !inSeries.has(entry)),
    ...[...folded].map(([name, some]) => ({
      name,
      written: { count: some.length, ...some[0]!.written },
    })),
  ].sort((a, b) => a.name < b.name ? -1 : 1);
}

function isSeries(stem: string, entries: readonly Entry[]): boolean {
  const names = new Set(entries.map(({ name }) => name));
  const form = canonicalJson(entries[0]!.written);
  return entries.length > 1 &&
    entries.every(({ written }, at) =>
      names.has(`${stem}-${at + 1}`) && canonicalJson(written) === form
    );
}

/** Names of instances need not differ, those of entries must. */
function byIds(states: readonly InstanceState[]): JsonObject {
  const taken = new Set<string>();
  const entries = states.map((state): Entry => {
    const { name, written } = entryOf(state);
    const { instanceId } = state.context;
    const isUsable = !taken.has(name) && name.length <= NAME_CHARACTERS_MAX && name !== "__proto__";
    const called = isUsable ? name : `instance-${instanceId}`;
    taken.add(called);
    return {
      name: called,
      written: { id: instanceId, ...(called === name ? {} : { name }), ...written },
    };
  });
  return asMembers(entries.sort((a, b) => a.name < b.name ? -1 : 1));
}

/** As for the names of entries. */
const NAME_CHARACTERS_MAX = 190;

function asMembers(entries: readonly Entry[]): JsonObject {
  return Object.fromEntries(entries.map(({ name, written }) => [name, written]));
}

function unlessEmpty(name: string, value: JsonObject): JsonObject {
  return Object.keys(value).length === 0 ? {} : { [name]: value };
}

function freeName(taken: readonly string[]): string {
  for (let at = 1;; at++) {
    const name = at === 1 ? REST : `${REST}-${at}`;
    if (!taken.includes(name)) return name;
  }
}
