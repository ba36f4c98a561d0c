/** `draas why` and `at`: why instances are what they are, and what they were. */
import { type Command, Option } from "commander";
import type { PastAnswer } from "../../http/client/answers.ts";
import { RemotePast } from "../../http/client/remote_past.ts";
import type { PastMoment } from "../../http/client/wishes.ts";
import { printable } from "../../tui/terminal_text.ts";
import { EXIT, UsageError } from "../exit_codes.ts";
import { READS_AT_ONCE, someAtATime } from "../fan_out.ts";
import type { Invocation } from "../invocation.ts";
import { moment, wholeNumber } from "../option_values.ts";
import { explanationText } from "../output/explanation_text.ts";
import { instanceColumns, namedInstance } from "../output/fleet_tables.ts";
import { instanceDetails } from "../output/instance_details.ts";
import { knownInstances } from "../selection.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

interface AtOptions {
  version?: number;
  at?: ReturnType<typeof moment>;
}

const REFERENCES =
  "by name, id, or the beginning of an id; those that were deleted by their whole id";
const VERSION_MAX = 999_999_999;

/** Adds the commands to the program. */
export function addPastCommands({ program, run }: CommandMaker): void {
  addExamples(
    program.command("why").summary("explain why instances are what they are")
      .description(
        "Explains why instances are what they are: who asked for what, which worker took it and what it answered, what the " +
          "restart policy decided, and what comes next.",
      )
      .argument("<instance...>", REFERENCES)
      .action((references: string[], _options: unknown, command: Command) =>
        run((invocation) => why(invocation, references), command)
      ),
    "draas why web",
    "draas why web cache -o json",
  );
  addExamples(
    program.command("at").summary("show what instances were")
      .description("Shows what instances were after an event, or at a time.")
      .argument("<instance...>", REFERENCES)
      .addOption(
        new Option("--version <version>", "after the event of this version").argParser(
          wholeNumber(1, VERSION_MAX),
        ),
      )
      .addOption(
        new Option("--at <time>", "at a time in ISO 8601, or so long ago: 90s, 10m, 2h, 7d")
          .argParser(moment),
      )
      .action((references: string[], options: AtOptions, command: Command) =>
        run((invocation) => at(invocation, references, options), command)
      ),
    "draas at web --at 10m",
    "draas at web --at 2026-01-31T12:00:00Z -o yaml",
    "draas at web --version 12",
  );
}

async function why(invocation: Invocation, references: readonly string[]): Promise<number> {
  const { client, printer, remote } = invocation;
  const past = new RemotePast(remote);
  const targets = await knownInstances(client, references);
  const told = await someAtATime(targets, READS_AT_ONCE, ({ id }) => past.why(id));
  if (printer.isStructured || printer.format === "name") {
    printer.list({ kind: "Explanation", rows: told, columns: [], name: ({ id }) => id });
    return EXIT.done;
  }
  const style = { isWide: printer.isWide, paint: printer.paint };
  const texts = told.map((one, n) => explanationText(namedInstance(targets[n]!), one, style));
  printer.data(texts.join("\n"));
  return EXIT.done;
}

async function at(
  invocation: Invocation,
  references: readonly string[],
  options: AtOptions,
): Promise<number> {
  const { client, printer, remote, host } = invocation;
  const moment = momentOf(options, host.clock.now());
  const past = new RemotePast(remote);
  const targets = await knownInstances(client, references);
  const told = await someAtATime(targets, READS_AT_ONCE, ({ id }) => past.stateAt(id, moment));
  const now = host.clock.now();
  if (printer.format === "table") {
    const texts = told.map((one) => becauseText(one) + instanceDetails(one, now, printer.paint));
    printer.data(texts.join("\n"));
    return EXIT.done;
  }
  const columns = instanceColumns(told, now, true);
  printer.list({ kind: "PastInstance", rows: told, columns, name: ({ id }) => id });
  return EXIT.done;
}

function momentOf({ version, at }: AtOptions, now: number): PastMoment {
  if ((version === undefined) === (at === undefined)) {
    throw new UsageError(
      version === undefined
        ? "It is not said which moment is meant."
        : "--version and --at are two ways to say one thing.",
      "Say --version 12, or --at 10m, or --at 2026-01-31T12:00:00Z.",
    );
  }
  if (version !== undefined) return { version };
  return { at: "agoMs" in at! ? new Date(now - at.agoMs).toISOString() : at!.at };
}

/** Which event made it so. */
function becauseText({ at, event: { type, requestedBy, version } }: PastAnswer): string {
  const by = requestedBy === undefined ? "" : ` by ${requestedBy}`;
  return `${printable(`After ${type}${by} (version ${version}) at ${at}:`)}\n`;
}
