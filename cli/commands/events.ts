/** `draas events`: what instances have been through, and the fleet's log as it goes on. */
import { type Command, Option } from "commander";
import { comparePositions, isPosition } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { EventAnswer } from "../../http/client/answers.ts";
import { printable } from "../../tui/terminal_text.ts";
import { EXIT, UsageError } from "../exit_codes.ts";
import { READS_AT_ONCE, someAtATime } from "../fan_out.ts";
import { type Invocation, untilInterrupted } from "../invocation.ts";
import { wholeNumber } from "../option_values.ts";
import { eventLine, namedInstance } from "../output/fleet_tables.ts";
import { chosenInstances } from "../selection.ts";
import { addExamples, type CommandMaker, labelOption } from "./shared_options.ts";

interface Options {
  follow?: boolean;
  after?: string;
  limit: number;
  label?: Record<string, string>;
}

/** Whose events are told; `null`: everybody's. */
type Whose = ReadonlyMap<string, string> | null;

/** Adds the command to the program. */
export function addEventCommands({ program, run }: CommandMaker): void {
  addExamples(
    program.command("events").summary("show what happened")
      .description(
        "Shows the last events of instances. With -f it goes on as they come; without an instance it follows the whole " +
          "fleet from now on. No event is left out over broken connections; where the log itself lost some, it says so.",
      )
      .argument("[instance...]", "by name, id, or the beginning of an id")
      .addOption(labelOption())
      .option("-f, --follow", "go on as events come, until Ctrl-C")
      .addOption(
        new Option("-n, --limit <events>", "the last events of each").argParser(wholeNumber(1, 500))
          .default(50),
      )
      .option(
        "--after <position>",
        "with -f, of the whole fleet: everything after a position; 0-0 is all",
      )
      .action((references: string[], options: Options, command: Command) =>
        run((invocation) => events(invocation, references, options), command)
      ),
    "draas events web",
    "draas events -f -o json",
    "draas events -f --after 0-0",
  );
}

async function events(
  invocation: Invocation,
  references: readonly string[],
  options: Options,
): Promise<number> {
  const { client } = invocation;
  const { follow = false, after, limit, label } = options;
  if (after !== undefined && !isPosition(after)) {
    throw new UsageError("--after must be a position in the log.", "An event has one, as in 12-0.");
  }
  if (references.length === 0 && label === undefined) {
    if (follow) return await followFleet(invocation, after ?? "now", null);
    throw new UsageError(
      "It is not said whose events are meant.",
      "Name instances, or follow the whole fleet with -f.",
    );
  }
  if (after !== undefined) {
    throw new UsageError(
      "--after is for the whole fleet.",
      "Leave the instances away, or --after: --limit says how many events of each are shown.",
    );
  }
  const targets = await chosenInstances(client, { references, ...(label ? { label } : {}) });
  const names = new Map(targets.map((one) => [one.id, namedInstance(one)]));
  const histories = await someAtATime(
    targets,
    READS_AT_ONCE,
    ({ id }) => client.history(id, limit),
  );
  const past = histories.flatMap(({ items }) => items)
    .sort((a, b) => comparePositions(a.position, b.position));
  if (!follow) return whole(invocation, past, names);
  for (const event of past) tell(invocation, event, names);
  const ends = histories.map(({ position }) => position).sort(comparePositions);
  const told = new Set(past.map(({ position }) => position));
  return ends.length === 0 ? EXIT.done : await followFleet(invocation, ends[0]!, names, told);
}

function whole({ printer }: Invocation, past: readonly EventAnswer[], names: Whose): number {
  if (printer.isStructured || printer.format === "name") {
    printer.list({ kind: "Event", rows: past, columns: [], name: ({ position }) => position });
  } else printer.data(past.map((event) => `${lineOf(event, names, printer.isWide)}\n`).join(""));
  return EXIT.done;
}

/**
 * @param after a position, or `now`
 * @param told positions that were told already
 */
async function followFleet(
  invocation: Invocation,
  after: string,
  names: Whose,
  told: ReadonlySet<string> = new Set(),
): Promise<number> {
  const { client, printer } = invocation;
  await untilInterrupted(invocation, async (signal) => {
    for await (const { event, data } of client.followEvents(after, signal)) {
      if (event === "connected") continue;
      const message = JSON.parse(data);
      if (event === "gap") {
        printer.complain(
          new OperationalError(message.code, message.detail, true, "Going on after the gap."),
        );
      } else if (event === "error") {
        const { code, detail, retryable, hint } = message;
        const error = new OperationalError(code, detail, retryable === true, hint);
        if (!error.retryable) throw error;
        printer.complain(error);
      } else if ((names?.has(message.instanceId) ?? true) && !told.has(message.position)) {
        tell(invocation, message, names);
      }
    }
  });
  return EXIT.done;
}

function tell({ printer }: Invocation, event: EventAnswer, names: Whose): void {
  printer.streamed(
    "Event",
    event,
    () =>
      printer.format === "name"
        ? `${printable(event.position)}\n`
        : `${lineOf(event, names, printer.isWide)}\n`,
  );
}

function lineOf(event: EventAnswer, names: Whose, isWide: boolean): string {
  const name = names?.get(event.instanceId) ?? event.instanceId;
  return printable(eventLine(event, name, isWide));
}
