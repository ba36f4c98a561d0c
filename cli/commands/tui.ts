/** `draas tui`: the fleet on the whole terminal, live. */
import type { Command } from "commander";
import { RemoteSystem } from "../../http/client/remote_system.ts";
import { EXIT, UsageError } from "../exit_codes.ts";
import type { Invocation } from "../invocation.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

/** Adds the command to the program. */
export function addTuiCommand({ program, run }: CommandMaker): void {
  addExamples(
    program.command("tui").summary("show and drive the fleet, on the whole terminal")
      .description(
        "Shows the fleet live, on the whole terminal, and does by keys what the other commands do. It goes on over broken connections, and says since when nothing is heard. " +
          "Leaving it stops nothing.",
      )
      .action((_options: unknown, command: Command) => run(tui, command)),
    "draas tui",
    "draas tui --context prod",
  );
}

async function tui({ host, remote }: Invocation): Promise<number> {
  if (!host.stdin.isTerminal || !host.stdout.isTerminal) {
    throw new UsageError(
      "The terminal UI needs a terminal.",
      "`draas list`, `draas top` and `draas events -f` tell the same without one.",
    );
  }
  // Words of what is tried again would tear the screen.
  const fleet = new RemoteSystem({ ...remote, onRetry: () => {} });
  // Who cannot be let in is told here, and not on a screen that comes and goes.
  await fleet.workers.list();
  await host.showFleet(fleet);
  return EXIT.done;
}
