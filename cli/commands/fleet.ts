/** `draas diff`, `plan` and `export`: a fleet file against the fleet, and the fleet as a file. docs/fleet.md */
import type { Command } from "commander";
import type { JsonObject } from "../../events/json.ts";
import type { PlanAnswer } from "../../http/client/answers.ts";
import { printable } from "../../tui/terminal_text.ts";
import { EXIT } from "../exit_codes.ts";
import { type GivenFleet, readFleets, withLines } from "../fleet_files.ts";
import type { Invocation } from "../invocation.ts";
import { documentsText } from "../output/envelope.ts";
import { diffText, planColumns, summaryText } from "../output/plan_text.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

/** The options that say which files, and what of the fleet they are about. */
export interface FileOptions {
  file: string[];
  prune?: boolean;
}

/** A fleet with what its file would change. */
export interface PlannedFleet {
  fleet: GivenFleet;
  plan: PlanAnswer;
}

/** Adds the commands to the program. */
export function addFleetCommands({ program, run }: CommandMaker): void {
  addExamples(
    addFileOptions(
      program.command("diff").summary("show what a fleet file would change")
        .description("Shows what fleet files would change in the fleet. Nothing is done."),
    )
      .option("--exit-code", "end with 1 where there is a difference")
      .action((options: FileOptions & { exitCode?: boolean }, command: Command) =>
        run((invocation) => diff(invocation, options), command)
      ),
    "draas diff -f fleet.yaml",
    "draas diff -f base.yaml prod.yaml --prune --exit-code",
    "generate-fleet | draas diff -f -",
  );
  addExamples(
    addFileOptions(
      program.command("plan").summary("show what applying a fleet file would do, in its order")
        .description(
          "Shows what an apply of fleet files would do, in its order: first what takes nothing away, " +
            "then what takes servers down, then deletes. Nothing is done.",
        ),
    )
      .action((options: FileOptions, command: Command) =>
        run((invocation) => plan(invocation, options), command)
      ),
    "draas plan -f fleet.yaml",
    "draas plan -f fleet.yaml --prune -o json",
  );
  addExamples(
    program.command("export").summary("write the fleet as a fleet file")
      .description(
        "Writes the fleet as fleet files, one document a fleet; what no fleet has made is named by its " +
          "id. Applied again they change nothing.",
      )
      .option("--fleet <name>", "of this fleet alone")
      .action((options: { fleet?: string }, command: Command) =>
        run((invocation) => exportFleet(invocation, options.fleet), command)
      ),
    "draas export > fleet.yaml",
    "draas export --fleet shop",
  );
}

/** `--file` and `--prune`. */
export function addFileOptions(command: Command): Command {
  return command
    .requiredOption(
      "-f, --file <path...>",
      "fleet files in YAML or JSON, any number; - is the standard input",
    )
    .option("--prune", "delete what the fleet's files have made and do not name any more");
}

/** What the files would change, fleet by fleet. */
export async function plannedFleets(
  { host, client, printer }: Invocation,
  { file, prune = false }: FileOptions,
): Promise<PlannedFleet[]> {
  const planned: PlannedFleet[] = [];
  for (const fleet of await readFleets(host, file)) {
    try {
      const asked = client.fleet.diff(fleet.file, prune);
      planned.push({ fleet, plan: await printer.during(() => "Comparing …", asked) });
    } catch (error) {
      throw withLines(error, fleet);
    }
  }
  return planned;
}

/** The difference for people, and below it how much it is. */
export function tellDiff({ printer }: Invocation, plans: readonly PlanAnswer[], text: Tell): void {
  for (const plan of plans) {
    text(diffText(plan, printer.paint));
    printer.say(fleetText(plan));
  }
}

function fleetText(plan: PlanAnswer): string {
  return printable(`Fleet ${plan.fleet}: ${summaryText(plan)}.`);
}

/** Where text goes: to the data, or to the words. */
export type Tell = (text: string) => void;

async function diff(
  invocation: Invocation,
  options: FileOptions & { exitCode?: boolean },
): Promise<number> {
  const { printer } = invocation;
  const plans = (await plannedFleets(invocation, options)).map(({ plan }) => plan);
  if (printer.isStructured || printer.format === "name") listItems(invocation, plans);
  else tellDiff(invocation, plans, (text) => printer.data(text));
  return options.exitCode && plans.some(({ changed }) => changed) ? EXIT.failed : EXIT.done;
}

async function plan(invocation: Invocation, options: FileOptions): Promise<number> {
  const plans = (await plannedFleets(invocation, options)).map(({ plan }) => plan);
  listItems(invocation, plans);
  for (const one of plans) invocation.printer.say(fleetText(one));
  return EXIT.done;
}

/** For people and by name only what something is done to; programs get all. */
function listItems({ printer }: Invocation, plans: readonly PlanAnswer[]): void {
  const items = plans.flatMap(({ fleet, items }) => items.map((item) => ({ fleet, ...item })));
  const rows = printer.isStructured ? items : items.filter(({ steps }) => steps.length > 0);
  if (printer.isStructured) {
    return printer.list({ kind: "PlanItem", rows, columns: [], name: () => "" });
  }
  printer.list({
    kind: "PlanItem",
    rows: rows.map((row, at) => ({ ...row, turn: at + 1 })),
    columns: planColumns,
    name: ({ id }) => id,
  });
}

async function exportFleet({ client, printer }: Invocation, fleet?: string): Promise<number> {
  const files = await printer.during(() => "Reading the fleet …", client.fleet.files(fleet));
  if (printer.isStructured || printer.format === "name") {
    const name = (file: JsonObject) => String(file.fleet);
    printer.list({ kind: "Fleet", rows: files, columns: [], name });
  } else if (files.length > 0) printer.data(documentsText(files));
  if (files.length === 0) printer.say("There are no instances.");
  return EXIT.done;
}
