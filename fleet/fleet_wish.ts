/** What a fleet file asks for, instance by instance: bases merged, counts expanded, every fault told where it is. Pure. */
import {
  configurationFaults,
  configurationSizeFaults,
  type Fault,
} from "../events/configuration.ts";
import type { Json, JsonObject } from "../events/json.ts";
import { isUnlimited } from "../events/limits.ts";
import {
  choiceFaults,
  type Parsed,
  parseWith,
  type Specification,
  specificationSchema,
} from "../events/specification.ts";
import {
  type Desired,
  type FleetEntry,
  type FleetFile,
  fleetFileSchema,
  INSTANCES_MAX,
  type Share,
} from "./fleet_file.ts";

/** One instance that there is to be. */
export interface Wanted {
  name: string;
  /** The entry that asks for it. */
  entry: string;
  /** Named by the file; null: made of fleet and name. */
  id: string | null;
  /** Its labels are the file's alone. */
  specification: Specification;
  desired: Desired;
}

/** A whole file. */
export interface FleetWish {
  fleet: string;
  instances: Wanted[];
  maxUnavailable: Share;
  /** Of entries that say it by themselves. */
  maxUnavailableOf: ReadonlyMap<string, Share>;
}

/** Where a part of an entry may be written: first in itself, then in its bases, the last one first. */
interface Source {
  path: string;
  written: JsonObject;
}

/** The wish, or every fault, with paths in the file. */
export function readFleetFile(input: Json | undefined): Parsed<FleetWish> {
  const parsed = parseWith<FleetFile>(fleetFileSchema as never, input);
  const strange = unusableNames(input);
  if (!parsed.ok) return { ok: false, faults: [...parsed.faults, ...strange] };
  const file = input as unknown as FleetFile;
  const total = Object.values(file.instances).reduce((sum, { count = 1 }) => sum + count, 0);
  if (total > INSTANCES_MAX) return { ok: false, faults: [...strange, tooMany(total)] };
  const readings = Object.entries(file.instances).map(([name, entry]) =>
    readEntry(name, entry, file.bases ?? {})
  );
  const instances = readings.flatMap((one) => one.ok ? one.value : []);
  const faults = [
    ...strange,
    ...readings.flatMap((one) => one.ok ? [] : one.faults),
    ...namesTwice(instances),
  ];
  if (faults.length > 0) return { ok: false, faults: distinct(faults) };
  const { fleet, maxUnavailable = 1 } = file;
  const shares = Object.entries(file.instances).flatMap(([name, entry]) =>
    entry.maxUnavailable === undefined ? [] : [[name, entry.maxUnavailable] as const]
  );
  return {
    ok: true,
    value: { fleet, maxUnavailable, maxUnavailableOf: new Map(shares), instances },
  };
}

/**
 * `over` upon `base`: objects member by member, everything else in the other's place; null takes a member of the base
 * away.
 */
export function merged(base: Json | undefined, over: Json | undefined): Json | undefined {
  if (over === undefined) return base;
  if (!isObject(base) || !isObject(over)) return over;
  const names = [...new Set([...Object.keys(base), ...Object.keys(over)])];
  return Object.fromEntries(names.flatMap((name) => {
    const mine = Object.hasOwn(base, name) ? base[name] : undefined;
    const other = Object.hasOwn(over, name) ? over[name] : undefined;
    return other === null && mine !== undefined ? [] : [[name, merged(mine, other)!]];
  }));
}

function readEntry(
  name: string,
  entry: FleetEntry,
  bases: NonNullable<FleetFile["bases"]>,
): Parsed<Wanted[]> {
  const path = `instances.${name}`;
  const from = entry.from === undefined ? [] : [entry.from].flat();
  const missing = from.filter((one) => !Object.hasOwn(bases, one));
  if (missing.length > 0) {
    const known = Object.keys(bases).join(", ") || "none";
    const message = `names ${missing.join(", ")}; the bases that there are: ${known}`;
    return { ok: false, faults: [{ path: `${path}.from`, message }] };
  }
  const { from: _, count, desired = "running", maxUnavailable: __, id = null, ...own } = entry;
  const sources: Source[] = [
    { path, written: own as JsonObject },
    ...from.toReversed().map((one) => ({
      path: `bases.${one}`,
      written: bases[one] as JsonObject,
    })),
  ];
  const whole = sources.map(({ written }) => written).reduceRight<Json | undefined>(
    merged,
    undefined,
  ) as JsonObject;
  const specification = specificationOf(whole, name);
  const faults = faultsIn(specification).map((fault) => placed(fault, sources));
  if (faults.length > 0) return { ok: false, faults };
  const one = { entry: name, id, specification, desired };
  if (count === undefined) return { ok: true, value: [{ ...one, name: specification.name }] };
  const value = Array.from({ length: count }, (_, at) => {
    const called = `${name}-${at + 1}`;
    return { ...one, name: called, specification: { ...specification, name: called } };
  });
  return { ok: true, value };
}

/** Everything that is not said is as in an instance that is created without it. */
function specificationOf(
  { serverConfiguration = {}, ...rest }: JsonObject,
  name: string,
): Specification {
  const { limits, ...specification } = specificationSchema.parse({
    name,
    ...rest,
    configuration: serverConfiguration,
  });
  return isUnlimited(limits) ? specification : { ...specification, limits: limits! };
}

/** What is wrong with parts that are well-formed each by itself, in the file's words. */
function faultsIn(specification: Specification): Fault[] {
  const { template, configuration } = specification;
  return [
    ...choiceFaults(specification),
    ...[...configurationSizeFaults(configuration), ...configurationFaults(template, configuration)]
      .map(({ path, message }) => ({
        path: path === "" ? "serverConfiguration" : `serverConfiguration.${path}`,
        message,
      })),
  ];
}

/** The fault at the place where most of its path is written. */
function placed({ path, message }: Fault, sources: readonly Source[]): Fault {
  const steps = path.split(".");
  const depths = sources.map(({ written }) => depthOf(written, steps));
  const source = sources[depths.indexOf(Math.max(...depths))]!;
  return { path: `${source.path}.${path}`, message };
}

function depthOf(value: Json | undefined, steps: readonly string[]): number {
  let [depth, inner] = [0, value];
  for (const step of steps) {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, step)) break;
    inner = (inner as JsonObject)[step];
    depth++;
  }
  return depth;
}

function tooMany(total: number): Fault {
  return {
    path: "instances",
    message: `are ${total}, and the most is ${INSTANCES_MAX}; make fleets of their own of some`,
  };
}

/** Two entries that make one name; instances with an id of their own may share theirs. */
function namesTwice(instances: readonly Wanted[]): Fault[] {
  const firsts = new Map<string, string>();
  return instances.flatMap(({ name, entry, id }) => {
    if (id !== null) return [];
    const first = firsts.get(name);
    if (first === undefined) firsts.set(name, entry);
    return first === undefined ? [] : [{
      path: `instances.${entry}`,
      message: `makes an instance ${JSON.stringify(name)}, and so does the entry ${first}`,
    }];
  });
}

/** A name that the schema, like much else in JavaScript, does not see. */
function unusableNames(input: Json | undefined): Fault[] {
  if (!isObject(input)) return [];
  return ["bases", "instances"].flatMap((part) =>
    isObject(input[part]) && Object.hasOwn(input[part], "__proto__")
      ? [{ path: `${part}.__proto__`, message: "must have another name" }]
      : []
  );
}

function distinct(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((one) => [`${one.path}\0${one.message}`, one])).values()];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
