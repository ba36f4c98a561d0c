/** The same for several, some at a time: each result is told as it comes, and one that fails ends none of the others. */
import type { OperationalError } from "../events/errors.ts";
import type { JsonObject } from "../events/json.ts";
import { EXIT, exitCodeOf, exitCodeOfAll } from "./exit_codes.ts";
import { type Invocation, outcomeOf } from "./invocation.ts";
import { problemItem } from "./output/problem_text.ts";

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

/** Does it; gives the exit code. */
export async function fanOut<Target>(
  { printer }: Invocation,
  { action, targets, parallel, idOf, nameOf, doing, key, run }: FanOut<Target>,
): Promise<number> {
  const items: JsonObject[] = [];
  const codes: number[] = [];
  const one = async (target: Target): Promise<void> => {
    const about = { id: idOf(target), name: nameOf(target), action };
    const told = await outcomeOf(run(target));
    if (!told.ok) {
      codes.push(exitCodeOf(told.error));
      items.push({ ...about, outcome: "failed", problem: problemItem(told.error) });
      return complain(told.error, target);
    }
    const { outcome, fields = {}, line } = told.value;
    codes.push(EXIT.done);
    items.push({ ...about, outcome, ...fields });
    if (printer.format === "name") printer.data(`${about.id}\n`);
    else if (!printer.isStructured) printer.data(`${line}\n`);
  };
  const complain = (error: OperationalError, target: Target) => {
    const name = nameOf(target);
    const id = idOf(target);
    printer.complain(error, {
      subject: name === id ? id : `${name} (${id.slice(0, 8)})`,
      ...(key === undefined ? {} : { key }),
    });
  };
  await printer.during(
    () => `${doing}: ${codes.length} of ${targets.length} done …`,
    someAtATime(targets, parallel, one),
  );
  if (printer.isStructured) {
    printer.list({ kind: "Result", rows: items, columns: [], name: () => "" });
  }
  return exitCodeOfAll(codes);
}

/** Calls `work` for each, at most `most` at once, in order of their beginning. */
export async function someAtATime<Target>(
  targets: readonly Target[],
  most: number,
  work: (target: Target) => Promise<void>,
): Promise<void> {
  const waiting = targets.values();
  const lane = async () => {
    for (const target of waiting) await work(target);
  };
  await Promise.all(Array.from({ length: Math.min(most, targets.length) }, lane));
}
