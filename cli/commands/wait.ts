/** `draas wait`: until instances are as they are to be, or cannot become so any more. */
import { type Command, Option } from "commander";
import { sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { WaitAnswer } from "../../http/client/answers.ts";
import { NoAnswer } from "../../http/client/remote_problem.ts";
import { printable } from "../../tui/terminal_text.ts";
import { EXIT } from "../exit_codes.ts";
import { fanOut } from "../fan_out.ts";
import type { Invocation } from "../invocation.ts";
import { durationUpTo, statusesOf } from "../option_values.ts";
import { took } from "../output/ages.ts";
import { namedInstance } from "../output/fleet_tables.ts";
import { chosenInstances } from "../selection.ts";
import { addExamples, type CommandMaker, labelOption, STATUSES } from "./shared_options.ts";

interface Options {
  for: string[];
  timeout: number;
  label?: Record<string, string>;
  all?: boolean;
}

const TIMEOUT_MS = 300_000;
const TIMEOUT_MS_MAX = 604_800_000;
/** Ways to a control plane close what is silent for a minute. */
const ASK_MS = 50_000;
const PAUSE_MS = 1_000;
/** A control plane lets so many wait, and more. */
const AT_ONCE = 64;

/** Adds the command to the program. */
export function addWaitCommand({ program, run }: CommandMaker): void {
  addExamples(
    program.command("wait").summary("wait until instances are in a status")
      .description(
        "Waits until instances are in a status. It ends early, with 1, where that cannot come any more: what was asked for " +
          "has failed, or something else was asked for since. Control planes may come and go meanwhile.",
      )
      .argument("[instance...]", "by name, id, or the beginning of an id")
      .addOption(labelOption())
      .option("--all", "every instance of the fleet")
      .addOption(
        new Option("--for <status>", "which one; with commas between, any of them")
          .choices([...STATUSES, "Deleting", "Deleted"])
          .argParser(statusesOf([...STATUSES, "Deleting", "Deleted"])).default(
            ["Running"],
            "Running",
          ),
      )
      .addOption(
        new Option("--timeout <duration>", "how long, as in 30s; 5 when it is over")
          .argParser(durationUpTo(TIMEOUT_MS_MAX, "168h")).default(TIMEOUT_MS, "5m"),
      )
      .action((references: string[], options: Options, command: Command) =>
        run((invocation) => wait(invocation, references, options), command)
      ),
    "draas start web --no-wait && draas wait web",
    "draas wait web --for Stopped,Failed --timeout 10m",
    "draas wait --label env=prod --for Running",
  );
}

async function wait(
  invocation: Invocation,
  references: readonly string[],
  options: Options,
): Promise<number> {
  const { host, client, printer } = invocation;
  const targets = await chosenInstances(client, { references, ...options });
  if (targets.length === 0) {
    printer.say("No instance is like that.");
    return EXIT.done;
  }
  const wanted = options.for;
  return await fanOut(invocation, {
    action: "wait",
    targets,
    parallel: AT_ONCE,
    idOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    doing: `Waiting for ${wanted.join(" or ")}`,
    async run(target) {
      const begun = host.clock.monotonic();
      const { outcome, reason, instance } = await verdict(invocation, target.id, options);
      if (outcome !== "reached") throw inVain(outcome, reason, target.id);
      const { status } = instance;
      const after = took(host.clock.monotonic() - begun);
      return {
        outcome,
        fields: { status, reason },
        line: printable(`${namedInstance(target)} is ${status} (${after})`),
      };
    },
  });
}

/** Asks again for as long as there is time, also while control planes come and go. */
async function verdict(
  { client, host: { clock } }: Invocation,
  id: string,
  { for: statuses, timeout }: Options,
): Promise<WaitAnswer> {
  const deadline = clock.monotonic() + timeout;
  const left = () => deadline - clock.monotonic();
  for (;;) {
    try {
      const told = await client.wait(id, statuses, Math.max(1, Math.min(ASK_MS, left())));
      if (told.outcome !== "timeout" || left() <= 0) return told;
    } catch (error) {
      if (!mayPass(error) || left() <= PAUSE_MS) throw error;
      await sleep(clock, PAUSE_MS);
    }
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof NoAnswer || (error instanceof OperationalError && error.retryable);
}

function inVain(outcome: WaitAnswer["outcome"], reason: string, id: string): OperationalError {
  const hint = `\`draas why ${id.slice(0, 8)}\` tells how it came to that.`;
  const isLate = outcome === "timeout";
  return new OperationalError(isLate ? "not_in_time" : outcome, reason, isLate, hint);
}
