/** The same for several, some at a time: each result is told as it comes, and one that fails ends none of the others. */
import type { OperationalError } from "../events/errors.ts";
import type { JsonObject } from "../events/json.ts";
import { EXIT, exitCodeOf, exitCodeOfAll } from "./exit_codes.ts";
import {
  type Invocation,
  notAsked,
  outcomeOf,
  unlessAborted,
  untilInterrupted,
} from "./invocation.ts";
import { problemItem } from "./output/problem_text.ts";
import { printable } from "../tui/terminal_text.ts";

/** So many are read at once where no `--parallel` says it. */
export const READS_AT_ONCE = 8;

/** What one of them came to. */
export interface Result {
  /** `done`, `unchanged` or `accepted`; the fields besides are for programs. */
  outcome: string;
  fields?: JsonObject;
  /** For people, without a line end. */
  line: string;
}

/** What is to be done with each. */
export interface FanOut<Target> {
  /** For programs: `start`, `drain`. */
  action: string;
  targets: readonly Target[];
  parallel: number;
  idOf(target: Target): string;
  nameOf(target: Target): string;
  /** For progress: `Starting`. */
  doing: string;
  /** Of the mutation, for the hint of what is not settled. */
  key?: string;
  run(target: Target): Promise<Result>;
}

/** Does it, until Ctrl-C; gives the exit code. */
export async function fanOut<Target>(
  invocation: Invocation,
  { action, targets, parallel, idOf, nameOf, doing, key, run }: FanOut<Target>,
): Promise<number> {
  const { printer } = invocation;
  printer.beginChange();
  const items: JsonObject[] = [];
  const codes: number[] = [];
  const one = async (target: Target, signal: AbortSignal): Promise<void> => {
    const about = { id: idOf(target), name: nameOf(target), action };
    const told = signal.aborted
      ? { ok: false as const, error: notAsked() }
      : await outcomeOf(unlessAborted(signal, run(target)));
    if (!told.ok) {
      codes.push(exitCodeOf(told.error));
      items.push({ ...about, outcome: "failed", problem: problemItem(told.error) });
      return complain(told.error, target);
    }
    const { outcome, fields = {}, line } = told.value;
    codes.push(EXIT.done);
    items.push({ ...about, outcome, ...fields });
    if (printer.format === "name") printer.data(`${printable(about.id)}\n`);
    else if (!printer.isStructured) printer.data(`${line}\n`);
  };
  const complain = (error: OperationalError, target: Target) => {
    const name = nameOf(target);
    const id = idOf(target);
    printer.complain(error, {
      subject: name === id ? id : `${name} (${id.slice(0, 8)})`,
      ...(key === undefined
        ? {}
        : { again: `\`draas ${action} ${id} --idempotency-key ${key}\`, with its other options,` }),
    });
  };
  await untilInterrupted(invocation, async (signal) => {
    await printer.during(
      () => `${doing}: ${codes.length} of ${targets.length} done …`,
      someAtATime(targets, parallel, (target) => one(target, signal)),
    );
  });
  if (printer.isStructured) {
    printer.list({ kind: "Result", rows: items, columns: [], name: () => "" });
  }
  return exitCodeOfAll(codes);
}

/** Calls `work` for each, at most `most` at once, in order of their beginning; gives what each came to. */
export async function someAtATime<Target, Told>(
  targets: readonly Target[],
  most: number,
  work: (target: Target) => Promise<Told>,
): Promise<Told[]> {
  const told: Told[] = [];
  const waiting = targets.entries();
  const lane = async () => {
    for (const [at, target] of waiting) told[at] = await work(target);
  };
  await Promise.all(Array.from({ length: Math.min(most, targets.length) }, lane));
  return told;
}
