/** What is kept of a run that ended badly: how it was started, how its probes went, what is new since the last good one. */
import { canonicalJson, type JsonObject } from "../../events/json.ts";
import { type Capsule, CAPSULE_BYTES_MAX } from "../../events/runtime_info.ts";
import type { LaunchPlan } from "../templates/launch_plan.ts";
import type { ProbeRecord } from "./probe_record.ts";
import type { LaunchFacts } from "./instance_folder.ts";
import { maskedEnvironment } from "../redaction.ts";
import { hashOf } from "../text_hash.ts";

const NAMES_MAX = 100;
const FIELDS_MAX = 100;
const CHANGES_MAX = 20;
const PROGRAM_CHARACTERS_MAX = 300;

/**
 * What a launch is remembered by, to be compared with later ones. Reads the program's size and time.
 * @param program the path of the server's own, whatever becomes it
 */
export function launchFacts(
  { env }: LaunchPlan,
  program: string,
  configuration: JsonObject,
  configurationRevision: number | null | undefined,
): LaunchFacts {
  return {
    ...(configurationRevision === undefined ? {} : { configurationRevision }),
    program: programText(program),
    environment: maskedEnvironment(env, NAMES_MAX),
    fields: Object.fromEntries(
      Object.entries(configuration).slice(0, FIELDS_MAX)
        .map(([name, value]) => [name, digestOf(canonicalJson(value))]),
    ),
  };
}

/** The capsule of a run that was launched so; `good` is the last good launch here, where there was one. */
export function capsuleOf(
  facts: LaunchFacts,
  good: LaunchFacts | null,
  probes: ProbeRecord | null,
): Capsule {
  const { configurationRevision, program, environment } = facts;
  const capsule: Capsule = {
    ...(configurationRevision === undefined ? {} : { configurationRevision }),
    program: program.slice(0, PROGRAM_CHARACTERS_MAX),
    environment,
    probes: probes?.results ?? [],
    ...(probes?.resources?.length ? { resources: probes.resources } : {}),
    ...(good ? { changes: changesSince(good, facts) } : {}),
  };
  return within(capsule);
}

/** What differs, in words. Pure. */
export function changesSince(good: LaunchFacts, facts: LaunchFacts): string[] {
  const revision = (one: LaunchFacts) =>
    one.configurationRevision === null ? "of its start" : `revision ${one.configurationRevision}`;
  return [
    ...(good.configurationRevision === facts.configurationRevision
      ? []
      : [`configuration: ${revision(facts)}, was ${revision(good)}`]),
    ...differences("configuration field", good.fields, facts.fields),
    ...(good.program === facts.program ? [] : [`program: ${facts.program}, was ${good.program}`]),
    ...differences("environment variable", names(good.environment), names(facts.environment)),
  ].map((text) => text.slice(0, 300)).slice(0, CHANGES_MAX);
}

function differences(
  what: string,
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  const all = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return all.filter((name) => before[name] !== now[name]).map((name) =>
    `${what} ${name} ${!(name in before) ? "is new" : name in now ? "has changed" : "is gone"}`
  );
}

/** Values may be secrets, and differ from run to run. */
function names(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(environment).map((name) => [name, ""]));
}

/** Leaves out the longest parts until it is small enough for an event. */
function within(capsule: Capsule): Capsule {
  let left = capsule;
  const bytes = () => new TextEncoder().encode(JSON.stringify(left)).length;
  while (bytes() > CAPSULE_BYTES_MAX && Object.keys(left.environment).length > 0) {
    const kept = Object.entries(left.environment);
    left = { ...left, environment: Object.fromEntries(kept.slice(0, Math.floor(kept.length / 2))) };
  }
  while (bytes() > CAPSULE_BYTES_MAX && left.resources && left.resources.length > 0) {
    left = { ...left, resources: left.resources.slice(Math.ceil(left.resources.length / 2)) };
  }
  while (bytes() > CAPSULE_BYTES_MAX && left.changes && left.changes.length > 0) {
    left = { ...left, changes: left.changes.slice(0, Math.floor(left.changes.length / 2)) };
  }
  return bytes() > CAPSULE_BYTES_MAX ? { ...left, probes: left.probes.slice(-1) } : left;
}

function programText(path: string): string {
  try {
    const { size, mtime } = Deno.statSync(path);
    return `${path} (${size} bytes of ${mtime?.toISOString() ?? "an unknown time"})`;
  } catch {
    return path;
  }
}

function digestOf(text: string): string {
  return hashOf(text).toString(16);
}
