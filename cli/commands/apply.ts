/** `draas apply`: makes the fleet what fleet files say, and tells how it goes. docs/fleet.md */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { JsonObject } from "../../events/json.ts";
import type { ApplyLine } from "../../http/client/answers.ts";
import type { ApplyWish } from "../../http/client/fleet_calls.ts";
import { RemoteProblem } from "../../http/client/remote_problem.ts";
import { printable } from "../../tui/terminal_text.ts";
import { confirm } from "../confirmation.ts";
import { EXIT, exitCodeOf, exitCodeOfAll } from "../exit_codes.ts";
import { withLines } from "../fleet_files.ts";
import { interrupted, type Invocation, outcomeOf, untilInterrupted } from "../invocation.ts";
import { duration } from "../option_values.ts";
import { took } from "../output/ages.ts";
import { namedInstance } from "../output/fleet_tables.ts";
import { doneText } from "../output/plan_text.ts";
import { problemItem } from "../output/problem_text.ts";
import {
  addFileOptions,
  type FileOptions,
  type PlannedFleet,
  plannedFleets,
  tellDiff,
} from "./fleet.ts";
import { addExamples, addParallelAndYes, type CommandMaker } from "./shared_options.ts";

type Options = FileOptions & {
  yes?: boolean;
  parallel: number;
  maxUnavailable?: string;
  keepGoing?: boolean;
  timeout?: number;
};

/** Adds the command to the program. */
export function addApplyCommand({ program, run }: CommandMaker): void {
  const command = addFileOptions(
    program.command("apply").summary("make the fleet what a fleet file says")
      .description(
        "Makes the fleet what fleet files say: creates, changes, restarts where that is needed, starts " +
          "and stops. It stops at the first failure, and applied again does the rest.",
      ),
  );
  addExamples(
    addParallelAndYes(command)
      .addOption(
        new Option(
          "--max-unavailable <share>",
          "how many servers may be down at once, as in 2 or 10%; else as the file says, or 1",
        ).argParser(share),
      )
      .option("--keep-going", "go on after a failure")
      .addOption(
        new Option("--timeout <duration>", "how long each step may take, as in 30s; else 10m")
          .argParser(duration),
      )
      .action((options: Options, called: Command) =>
        run((invocation) => apply(invocation, options), called)
      ),
    "draas apply -f fleet.yaml",
    "draas apply -f fleet.yaml --prune --yes",
    "draas apply -f fleet.yaml --max-unavailable 25% --parallel 16",
  );
}

function share(text: string): string {
  if (/^([1-9]\d{0,3}|([1-9]\d?|100)%)$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a number from 1 on, or a share such as 25%.");
}

async function apply(invocation: Invocation, options: Options): Promise<number> {
  const { printer } = invocation;
  const fleets = await plannedFleets(invocation, options);
  const isAsked = !options.yes && fleets.some(({ plan }) => plan.items.some(({ grave }) => grave));
  if (isAsked) await confirmGrave(invocation, fleets);
  printer.beginChange();
  const told = new Told(invocation);
  for (const one of fleets) {
    if (told.mayGoOn(options)) await applyOne(invocation, one, options, isAsked, told);
  }
  return told.finish();
}

/** Shows all that is to be done, and asks about what nobody takes back. */
async function confirmGrave(
  invocation: Invocation,
  fleets: readonly PlannedFleet[],
): Promise<void> {
  const { host } = invocation;
  tellDiff(invocation, fleets.map(({ plan }) => plan), (text) => host.stderr.write(text));
  const grave = fleets.flatMap(({ plan }) => plan.items.filter(({ grave }) => grave));
  const deletes = grave.filter(({ action }) => action === "delete").length;
  const parts = [
    ...(deletes > 0 ? [`delete ${deletes}`] : []),
    ...(grave.length > deletes ? [`move ${grave.length - deletes}`] : []),
  ];
  const question = `Apply it, and ${
    parts.join(" and ")
  } of its instances, with what they have kept?`;
  await confirm(invocation, question, grave.map(namedInstance));
}

async function applyOne(
  invocation: Invocation,
  { fleet, plan }: PlannedFleet,
  options: Options,
  isAsked: boolean,
  told: Told,
): Promise<void> {
  const { host, client, printer } = invocation;
  if (!plan.changed) {
    printer.say(printable(`Fleet ${plan.fleet}: nothing to do.`));
    return told.leave(plan.items);
  }
  const { prune = false, keepGoing = false, parallel, maxUnavailable, timeout } = options;
  const wish: ApplyWish = {
    key: host.ids.next("request"),
    prune,
    keepGoing,
    parallel,
    maxUnavailable,
    timeoutMs: timeout,
    // What a person has said yes to is what is done.
    ...(isAsked ? { plan: plan.plan } : {}),
  };
  const total = plan.items.filter(({ steps }) => steps.length > 0).length;
  const words = () => `Applying ${printable(plan.fleet)}: ${told.count} of ${total} done …`;
  told.leave(plan.items);
  told.begin();
  const outcome = await outcomeOf(untilInterrupted(invocation, (signal) => {
    const follow = async () => {
      for await (const line of client.fleet.apply(fleet.file, wish, signal)) told.take(line);
      if (signal.aborted) throw interrupted();
    };
    return printer.during(words, follow());
  }));
  if (!outcome.ok) told.fail(withLines(outcome.error, fleet) as Error, plan.fleet);
}

/** What an apply has told so far, as lines for people or items for programs. */
class Told {
  private readonly items: JsonObject[] = [];
  private readonly codes: number[] = [];
  /** Of the present fleet. */
  count = 0;
  private skipped = 0;

  constructor(private readonly invocation: Invocation) {}

  begin(): void {
    this.count = 0;
  }

  /** After a failure the next fleet is left as it is. */
  mayGoOn({ keepGoing = false }: Options): boolean {
    return exitCodeOfAll(this.codes) === EXIT.done ||
      (keepGoing && !this.codes.includes(EXIT.interrupted));
  }

  /** For programs: what nothing is done to. */
  leave(items: readonly { id: string; name: string; action: string; steps: string[] }[]): void {
    for (const { id, name, action, steps } of items) {
      if (steps.length === 0) this.items.push({ id, name, action, outcome: "unchanged" });
    }
  }

  take(line: ApplyLine): void {
    if (line.type === "ended") this.takeEnd(line);
    if (line.type === "end" && line.outcome === "stopped") {
      this.codes.push(EXIT.unreachable);
      this.invocation.printer.say(
        "The control plane is ending. Apply it again: that does the rest.",
      );
    }
  }

  fail(error: Error, fleet: string): void {
    this.codes.push(exitCodeOf(error));
    this.invocation.printer.complain(error, {
      subject: `Fleet ${fleet}`,
      again: "The same apply, called again,",
    });
  }

  /** Gives the exit code. */
  finish(): number {
    const { printer } = this.invocation;
    if (printer.isStructured) {
      printer.list({ kind: "Result", rows: this.items, columns: [], name: () => "" });
    }
    if (this.skipped > 0) {
      printer.say(
        `Nothing was begun with ${this.skipped} more; apply it again once that is mended.`,
      );
    }
    return exitCodeOfAll(this.codes);
  }

  private takeEnd(line: ApplyLine): void {
    const { printer } = this.invocation;
    const { id = "", name = "", action = "", outcome = "", steps = [], tookMs = 0 } = line;
    const about = { id, name, action, outcome };
    if (outcome === "skipped") {
      this.skipped++;
      this.items.push(about);
      return;
    }
    this.count++;
    if (line.problem !== undefined) {
      const { status, title } = line.problem;
      const problem = new RemoteProblem(Number(status), String(title), line.problem, null);
      this.codes.push(exitCodeOf(problem));
      this.items.push({ ...about, problem: problemItem(problem) });
      return printer.complain(problem, { subject: namedInstance({ id, name }) });
    }
    const { position } = line;
    this.items.push({ ...about, ...(position === undefined ? {} : { position }) });
    if (printer.format === "name") printer.data(`${printable(id)}\n`);
    else if (!printer.isStructured) {
      const text = `${namedInstance({ id, name })} ${doneText(steps)} (${took(tookMs)})`;
      printer.data(`${printable(text)}\n`);
    }
  }
}
