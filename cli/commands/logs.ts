/** `draas logs`: what servers print, once or as it comes. */
import { type Command, Option } from "commander";
import { OperationalError } from "../../events/errors.ts";
import type { InstanceAnswer, LogLineAnswer } from "../../http/client/answers.ts";
import type { LogWish } from "../../http/client/wishes.ts";
import { printable } from "../../tui/terminal_text.ts";
import { EXIT, exitCodeOf, exitCodeOfAll } from "../exit_codes.ts";
import { READS_AT_ONCE, someAtATime } from "../fan_out.ts";
import { type Invocation, outcomeOf, untilInterrupted } from "../invocation.ts";
import { wholeNumber } from "../option_values.ts";
import { namedInstance } from "../output/fleet_tables.ts";
import { logLineText } from "../output/log_text.ts";
import { hasColours } from "../output/paint.ts";
import { chosenInstances } from "../selection.ts";
import { addExamples, type CommandMaker, labelOption } from "./shared_options.ts";

const TAIL_MAX = 5_000;

interface Options extends LogWish {
  follow?: boolean;
  timestamps?: boolean;
  label?: Record<string, string>;
}

/** Adds the command to the program. */
export function addLogCommands({ program, run }: CommandMaker): void {
  addExamples(
    program.command("logs").summary("show what servers print")
      .description(
        "Shows what servers print: the last 200 lines, or as many as are asked for. What happened to a server is told on " +
          "the standard error.",
      )
      .argument("[instance...]", "by name, id, or the beginning of an id")
      .addOption(labelOption())
      .option("-f, --follow", "go on as lines come, over restarts and moves, until Ctrl-C")
      .addOption(
        new Option("-n, --tail <lines>", "the last lines").argParser(wholeNumber(0, TAIL_MAX)),
      )
      .option("--since <time>", "only what is newer: 90s, 10m, 2h, 7d, or a time in ISO 8601")
      .addOption(new Option("--stream <stream>", "one of both").choices(["stdout", "stderr"]))
      .option("-t, --timestamps", "when each line was printed")
      .action((references: string[], options: Options, command: Command) =>
        run((invocation) => logs(invocation, references, options), command)
      ),
    "draas logs web",
    "draas logs web -f --since 10m",
    "draas logs web cache -n 20 --timestamps",
  );
}

async function logs(
  invocation: Invocation,
  references: readonly string[],
  options: Options,
): Promise<number> {
  const { client, printer } = invocation;
  const { label } = options;
  const targets = await chosenInstances(client, { references, ...(label ? { label } : {}) });
  if (targets.length === 0) printer.say("No instance is like that.");
  const names = targets.length > 1 ? targets.map(namedInstance) : targets.map(() => "");
  if (!options.follow) return await once(invocation, targets, names, options);
  const codes: number[] = [];
  await untilInterrupted(invocation, async (signal) => {
    await Promise.all(targets.map(async (target, at) => {
      const tell = teller(invocation, target, names[at]!, options, "streamed");
      const told = await outcomeOf(follow(invocation, target, tell, options, signal));
      if (told.ok) return;
      printer.complain(told.error, { subject: namedInstance(target) });
      codes.push(exitCodeOf(told.error));
    }));
  });
  return exitCodeOfAll(codes);
}

async function once(
  invocation: Invocation,
  targets: readonly InstanceAnswer[],
  names: readonly string[],
  options: Options,
): Promise<number> {
  const { client, printer } = invocation;
  const pages = await printer.during(
    () => "Reading …",
    someAtATime(targets, READS_AT_ONCE, ({ id }) => client.logs(id, options)),
  );
  if (printer.isStructured) {
    const rows = pages.flatMap((lines, at) => lines.map((line) => lineItem(targets[at]!, line)));
    printer.list({ kind: "LogLine", rows, columns: [], name: () => "" });
    return EXIT.done;
  }
  pages.forEach((lines, at) => {
    const tell = teller(invocation, targets[at]!, names[at]!, options, "whole");
    for (const line of lines) tell(line);
  });
  return EXIT.done;
}

/** @throws {OperationalError} when the output can be followed no further */
async function follow(
  { client, printer }: Invocation,
  target: InstanceAnswer,
  tell: (line: LogLineAnswer) => void,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  for await (const { event, data } of client.followLogs(target.id, options, signal)) {
    const message = JSON.parse(data);
    if (event === "lines") { for (const line of message.items) tell(line); }
    if (event !== "end") continue;
    if (message.reason === "deleted") {
      printer.say(`${printable(namedInstance(target))} was deleted; this is all.`);
      return;
    }
    throw new OperationalError(
      "not_followed",
      "Its worker cannot tell what comes after what: the output cannot be followed.",
      false,
      "`draas logs` without --follow shows the last lines.",
    );
  }
}

/** Lines of servers are data; what happened between them is not, unless programs read it. */
function teller(
  { printer, host }: Invocation,
  target: InstanceAnswer,
  name: string,
  { timestamps = false }: Options,
  form: "whole" | "streamed",
): (line: LogLineAnswer) => void {
  const { stdout, stderr, environment } = host;
  const style = (isTerminal: boolean) => ({
    isTerminal,
    hasColours: hasColours(isTerminal, environment),
    withTimes: timestamps,
    name: printable(name),
  });
  return (line) => {
    const isMarker = line.stream === "marker";
    if (isMarker && !(printer.isStructured && form === "streamed")) {
      printer.say(logLineText(line, style(stderr.isTerminal)).trimEnd());
      return;
    }
    printer.streamed(
      "LogLine",
      lineItem(target, line),
      () => logLineText(line, style(stdout.isTerminal)),
    );
  };
}

function lineItem({ id, name }: InstanceAnswer, line: LogLineAnswer) {
  return { instanceId: id, instanceName: name, ...line };
}
