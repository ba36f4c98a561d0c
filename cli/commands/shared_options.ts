/** Options that several commands have, with the same names and the same meaning everywhere. */
import { type Command, Option } from "commander";
import { duration, idempotencyKey, oneMoreLabel, wholeNumber } from "../option_values.ts";
import {
  beginInvocation,
  type Invocation,
  type SharedOptions,
  type Voice,
  voiceOf,
} from "../invocation.ts";
import type { CliHost } from "../host.ts";

/** The statuses that an instance of the fleet can have; one that is being deleted is hardly there any more. */
export const STATUSES = [
  "Created",
  "Starting",
  "Running",
  "Restarting",
  "Stopping",
  "Stopped",
  "Failed",
] as const;

/** What every command is made with. */
export interface CommandMaker {
  program: Command;
  host: CliHost;
  /** As they were given; of them the program forgets where `--` stood. */
  args: readonly string[];
  /** Runs a command; what it throws, and the code that it gives, become the program's exit code. */
  run(work: (invocation: Invocation) => Promise<number>, command: Command): Promise<void>;
  /** As `run`, of a command that asks no control plane: none needs to be known. */
  runAlone(work: (voice: Voice) => Promise<number>, command: Command): Promise<void>;
}

/** How a program's commands are run; `ended` hears their codes. */
export function runners(
  host: CliHost,
  ended: (code: number) => void,
): Pick<CommandMaker, "run" | "runAlone"> {
  const optionsOf = (command: Command) => command.optsWithGlobals<SharedOptions>();
  return {
    run: async (work, command) =>
      ended(await work(await beginInvocation(host, optionsOf(command)))),
    runAlone: async (work, command) => ended(await work(voiceOf(host, optionsOf(command)))),
  };
}

/** The options by which a command that changes instances is told which ones and how. */
export interface ManyOptions {
  label?: Record<string, string>;
  all?: boolean;
  yes?: boolean;
  parallel: number;
}

/** The options of a command that waits for an outcome. */
export interface WaitingOptions {
  wait: boolean;
  timeout?: number;
  idempotencyKey?: string;
}

/** `--label`, which may be repeated. */
export function labelOption(): Option {
  return new Option(
    "-l, --label <key=value>",
    "those that have this label; may be repeated, then all of them",
  ).argParser(oneMoreLabel);
}

/** Which instances, how many at once, and whether to ask before. */
export function addManyOptions(command: Command): Command {
  return addParallelAndYes(
    command
      .argument("[instance...]", "by name, id, or the beginning of an id")
      .addOption(labelOption())
      .option("--all", "every instance of the fleet"),
  );
}

/** How many at once, and whether to ask before. */
export function addParallelAndYes(command: Command): Command {
  return command
    .addOption(
      new Option("--parallel <n>", "how many at once").argParser(wholeNumber(1, 64)).default(8),
    )
    .option("-y, --yes", "do not ask");
}

/** Whether and how long to wait. */
export function addWaitingOptions(command: Command): Command {
  return command
    .option("--wait", "wait for the outcome", true)
    .option("--no-wait", "do not wait: come back once the request is in the log")
    .addOption(
      new Option(
        "--timeout <duration>",
        "how long to wait, as in 30s; else as long as the server does",
      )
        .argParser(duration),
    )
    .addOption(keyOption());
}

/** For a command whose outcome was not settled. */
export function keyOption(): Option {
  return new Option(
    "--idempotency-key <key>",
    "of a command before: fetches its answer and does nothing twice",
  ).argParser(idempotencyKey);
}

/** Examples below the help of a command. */
export function addExamples(command: Command, ...examples: readonly string[]): Command {
  return command.addHelpText(
    "after",
    `\nExamples:\n${examples.map((one) => `  $ ${one}`).join("\n")}`,
  );
}
