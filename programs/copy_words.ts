/** What the programs that copy, import and prove a log say when they are done. */
import type { CopyHeader } from "../actors/log_copy/copy_lines.ts";
import type { CopyRead } from "../actors/log_copy/copy_reader.ts";
import type { CopyWritten } from "../actors/log_copy/copy_writer.ts";
import type { LogDifference } from "../actors/log_verification.ts";
import type { CopiedCommand, CopiedWorker } from "../events/log_copy.ts";
import { printable } from "../tui/terminal_text.ts";
import type { Voice } from "./voice.ts";
import { countOf } from "./words.ts";

/** Instances whose digests are listed one by one. */
const LISTED_MAX = 20;
/** Characters of a digest that tell it from others. */
const DIGEST_CHARACTERS = 16;
const OTHER_FOLD = "The release that wrote the copy folds in another way";

/** After an export. */
export function exportWords(
  { header, digest }: CopyWritten,
  commands: readonly CopiedCommand[],
  workers: readonly CopiedWorker[],
  { from, to, bytes }: { from: string; to: string; bytes: number },
): string {
  return linesOf([
    `${extentOf(header)} of ${from} are in ${to}, ${sizeOf(bytes)}.`,
    `Digest ${digest}`,
    inFlightWords(commands),
    ...workersWords(workers),
  ]);
}

/** After an import; `namespace` is where it went, null for an embedded log. */
export function importWords(read: CopyRead, where: string, namespace: string | null): string {
  const { header, digest, states, statesCompared, commands, workers } = read;
  const isRenamed = namespace !== null && header.namespace !== null &&
    header.namespace !== namespace;
  return linesOf([
    `${extentOf(header)} are in ${where}, at the positions that they had.`,
    `Digest ${digest}`,
    `Read back and folded anew, ${states.size} of ${
      countOf(states.size)
    } are what the copy makes of them.`,
    ...(statesCompared ? [] : [`${OTHER_FOLD}: the copy's own digests were not compared.`]),
    ...statesWords(states),
    inFlightWords(commands),
    ...(isRenamed
      ? [
        `Containers and pods bear the copy's namespace, ${header.namespace}: no worker of ${namespace} takes them up.`,
      ]
      : []),
    ...adoptionWords(workers),
  ]);
}

/** After a proof. */
export function proofWords(read: CopyRead, from: string): string {
  const { header, digest, states, statesCompared, commands, workers, differenceCount } = read;
  const { source, namespace, release, writtenAt } = header;
  const log = source === "redis" ? `the namespace ${namespace} of a Redis` : "an embedded log";
  return linesOf([
    `${extentOf(header)} are in ${from}.`,
    `A copy of ${log}, written by DRaaS ${release} on ${new Date(writtenAt).toISOString()}.`,
    `Digest ${digest}`,
    statesCompared
      ? `${countOf(states.size)} folded and compared.`
      : `${countOf(states.size)} folded. ${OTHER_FOLD}: they were not compared.`,
    inFlightWords(commands),
    ...workersWords(workers),
    differenceCount === 0 ? "The copy is what it says." : `${differenceCount} differences.`,
  ]);
}

/** Tells each thing that is not as it should be, and what follows from that; gives the program's exit code. */
export function tellDifferences(
  voice: Voice,
  found: { differenceCount: number; differences: readonly LogDifference[] },
  meaning: string,
  hint: string,
): number {
  if (found.differenceCount === 0) return 0;
  for (const { instanceId, position, where, message } of found.differences) {
    voice.tell("error", `${where} at ${position}, instance ${instanceId}: ${message}`, {
      instanceId,
    });
  }
  voice.tell("error", `${found.differenceCount} differences. ${meaning}`, { hint });
  return 1;
}

function extentOf({ events, instances, begins, head }: CopyHeader): string {
  return `${events} events of ${countOf(instances)} (${begins} to ${head})`;
}

function statesWords(states: ReadonlyMap<string, string>): string[] {
  if (states.size > LISTED_MAX) return [];
  return [...states].map(([id, state]) => `  ${id}  ${state.slice(0, DIGEST_CHARACTERS)}`);
}

function inFlightWords(commands: readonly CopiedCommand[]): string {
  if (commands.length === 0) return "No command was under way.";
  const accepted = commands.flatMap((one) => one.accepted === null ? [] : [one.accepted.workerId]);
  const waiting = commands.length - accepted.length;
  const parts = [
    ...(waiting === 0 ? [] : [`${waiting} waiting for a worker, until their time is over`]),
    ...[...Map.groupBy(accepted, (workerId) => workerId)].map(([workerId, { length }]) =>
      `${length} in the hands of worker ${workerId}, which goes on when it is there again`
    ),
  ];
  return `Under way: ${parts.join("; ")}.`;
}

function workersWords(workers: readonly CopiedWorker[]): string[] {
  const names = presentOf(workers).map(({ workerId }) => workerId);
  return names.length === 0 ? [] : [`Workers: ${names.join(", ")}.`];
}

/** How the workers of the copy are started again. */
function adoptionWords(workers: readonly CopiedWorker[]): string[] {
  const present = presentOf(workers);
  if (present.length === 0) return [];
  const left = present.length - LISTED_MAX;
  return [
    "What runs is taken up by a worker on the data folder that it was started from, under its worker's id:",
    ...present.slice(0, LISTED_MAX).map(({ workerId, platform }) =>
      `  deno task worker:${platform} --data-dir FOLDER --worker-id ${workerId}`
    ),
    ...(left > 0 ? [`  and ${left} more`] : []),
  ];
}

function presentOf(workers: readonly CopiedWorker[]): CopiedWorker[] {
  return workers.filter(({ forgotten }) => !forgotten);
}

/** Names in it are a file's: each line stays a line. */
function linesOf(lines: readonly string[]): string {
  return lines.map(printable).join("\n");
}

function sizeOf(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  const kib = bytes / 1_024;
  return kib < 1_024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1_024).toFixed(1)} MiB`;
}
