/** Reads fleet files: any number, each with any number of documents, put together by fleet, and where each line is. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from "yaml";
import { reasonOf } from "../events/errors.ts";
import { canonicalJson, type Json, type JsonObject } from "../events/json.ts";
import { RemoteProblem } from "../http/client/remote_problem.ts";
import { UsageError } from "./exit_codes.ts";
import type { CliHost } from "./host.ts";
import { readInput } from "./input_files.ts";

/** A fleet file, or a part of one, and where it was written. */
interface Part {
  path: string;
  value: JsonObject;
  document: Document;
  lines: LineCounter;
  /** Where it begins in its document. */
  begin: readonly string[];
}

/** One fleet, of all the documents that name it. */
export interface GivenFleet {
  /** Its name; empty where it has none, which the control plane refuses. */
  name: string;
  file: JsonObject;
  parts: readonly Part[];
}

/** What files with several fleets may be in: what `draas export -o json` writes. */
const LIST_KIND = "FleetList";
/** Put together entry by entry. */
const SECTIONS = ["bases", "instances"];
/** More of them are a trap, or a file that is better written with bases. */
const ALIASES_MAX = 1_000;

/**
 * The fleets, in the order of their first documents.
 * @throws {UsageError} with every fault of their form; {OperationalError} `file_unreadable`
 */
export async function readFleets(host: CliHost, paths: readonly string[]): Promise<GivenFleet[]> {
  if (paths.filter((path) => path === "-").length > 1) {
    throw new UsageError("There is only one standard input.", "Give the others as files.");
  }
  const parts: Part[] = [];
  const faults: string[] = [];
  for (const path of paths) {
    parts.push(...partsOf(path, await readInput(host, path), faults));
  }
  const byName = Map.groupBy(parts, ({ value }) => textOf(value.fleet));
  const fleets = [...byName].map(([name, some]) => putTogether(name, some, faults));
  if (faults.length > 0) {
    throw new UsageError("The files are not in order; nothing was done.", "Correct them.", faults);
  }
  if (fleets.length > 0) return fleets;
  throw new UsageError(`${paths.join(", ")} holds no fleet.`, "docs/fleet.md has an example.");
}

/** A refusal of a fleet, its faults with file and line. */
export function withLines(error: unknown, { parts }: GivenFleet): unknown {
  if (!(error instanceof RemoteProblem) || error.faults.length === 0) return error;
  const faults = error.faults.map(({ path, message }) => ({ path: placeOf(parts, path), message }));
  const { status, title, members, retryAfterMs } = error;
  return new RemoteProblem(status, title, { ...members, faults }, retryAfterMs);
}

/** The parts that a file holds; what is wrong with its form goes to `faults`. */
function partsOf(path: string, text: string, faults: string[]): Part[] {
  const lines = new LineCounter();
  const documents = [...parseAllDocuments(text, { lineCounter: lines, merge: true })];
  for (const { pos, message } of documents.flatMap(({ errors }) => errors)) {
    const { line, col } = lines.linePos(pos[0]);
    const reason = message.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, "");
    faults.push(`${nameOf(path)}:${line}:${col}: ${reason}.`);
  }
  if (documents.some(({ errors }) => errors.length > 0)) return [];
  return documents.filter(({ contents }) => contents !== null)
    .flatMap((document) => partsIn(path, document, lines, faults));
}

function partsIn(path: string, document: Document, lines: LineCounter, faults: string[]): Part[] {
  let value: Json;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    faults.push(`${nameOf(path)}: ${reasonOf(error)}.`);
    return [];
  }
  const items = isObject(value) && value.kind === LIST_KIND ? value.items : undefined;
  const given: [Json, string[]][] = Array.isArray(items)
    ? items.map((item, at) => [item, ["items", String(at)]])
    : [[value, []]];
  return given.flatMap(([one, begin]) => {
    const whole = { path, document, lines, begin };
    if (isObject(one)) return [{ ...whole, value: one }];
    faults.push(`${placeIn(whole, []).text}: must be an object.`);
    return [];
  });
}

/** Bases and instances of all, each said once; what is said of the whole is the same in all. */
function putTogether(name: string, parts: readonly Part[], faults: string[]): GivenFleet {
  const whole = new Map<string, { value: Json; part: Part }>();
  const sections = new Map<string, Map<string, { value: Json; part: Part }>>();
  for (const part of parts) {
    for (const [key, value] of Object.entries(part.value)) {
      if (!SECTIONS.includes(key) || !isObject(value)) {
        const first = whole.get(key);
        const isSame = first && canonicalJson(first.value) === canonicalJson(value);
        if (first && !isSame) faults.push(saidTwice(part, first.part, [key]));
        whole.set(key, { value, part });
        continue;
      }
      const section = sections.get(key) ?? new Map();
      sections.set(key, section);
      for (const [entry, inner] of Object.entries(value)) {
        const first = section.get(entry);
        if (first) faults.push(saidTwice(part, first.part, [key, entry]));
        section.set(entry, { value: inner, part });
      }
    }
  }
  const file = { ...membersOf(whole) };
  for (const [key, section] of sections) file[key] ??= membersOf(section);
  return { name, file, parts };
}

function membersOf(members: ReadonlyMap<string, { value: Json }>): JsonObject {
  return Object.fromEntries([...members].map(([name, { value }]) => [name, value]));
}

function saidTwice(part: Part, first: Part, at: readonly string[]): string {
  return `${placeIn(part, at).text}: ${at.join(".")} is said at ${placeIn(first, at).text}, too.`;
}

/** `web.yaml:3:5 instances.web.count`: in the part that has most of the path. */
function placeOf(parts: readonly Part[], path: string): string {
  const steps = path === "" || path.startsWith("?") ? [] : path.split(".");
  const places = parts.map((part) => placeIn(part, steps));
  const depth = Math.max(...places.map((place) => place.depth));
  const place = places.find((one) => one.depth === depth);
  return place === undefined || path.startsWith("?") ? path : `${place.text} ${path}`;
}

/** How far a path leads in a part, and where that is. */
function placeIn(
  { path, document, lines, begin }: Omit<Part, "value">,
  steps: readonly string[],
): { text: string; depth: number } {
  let offset = document.contents?.range?.[0] ?? 0;
  let node: Node | null = document.contents;
  const rest = [...begin, ...steps];
  let depth = 0;
  while (rest.length > 0) {
    const found = memberOf(isAlias(node) ? node.resolve(document) ?? null : node, rest);
    if (found === null) break;
    rest.splice(0, found.taken);
    ({ offset, node } = found);
    depth += found.taken;
  }
  const { line, col } = lines.linePos(offset);
  return { text: `${nameOf(path)}:${line}:${col}`, depth };
}

/** The member that the first of the steps name; a name may have dots in it. */
function memberOf(
  node: Node | null,
  steps: readonly string[],
): { offset: number; node: Node | null; taken: number } | null {
  if (isSeq(node)) {
    const item = node.items[Number(steps[0])] as Node | undefined;
    return item?.range ? { offset: item.range[0], node: item, taken: 1 } : null;
  }
  if (!isMap(node)) return null;
  for (let taken = 1; taken <= steps.length; taken++) {
    const name = steps.slice(0, taken).join(".");
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
    const key = pair?.key as Node | undefined;
    if (key?.range) return { offset: key.range[0], node: pair!.value as Node | null, taken };
  }
  return null;
}

function nameOf(path: string): string {
  return path === "-" ? "standard input" : path;
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
