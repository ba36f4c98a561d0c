/** `draas version`: the release of the command line and of the control plane that it reaches. */
import type { Command } from "commander";
import { EXIT, exitCodeOf } from "../exit_codes.ts";
import { type Invocation, outcomeOf } from "../invocation.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

/** Adds the command to the program. */
export function addVersionCommand({ program, run }: CommandMaker): void {
  addExamples(
    program.command("version").summary("show the release of client and server")
      .description("Shows the release of this command line, and of the control plane it reaches.")
      .option("--client", "of the command line alone: no control plane is asked")
      .action((options: { client?: boolean }, command: Command) =>
        run((invocation) => version(invocation, options.client === true), command)
      ),
    "draas version",
    "draas version --client -o json",
  );
}

async function version({ host, client, printer }: Invocation, isAlone: boolean): Promise<number> {
  const asked = isAlone ? null : await outcomeOf(client.serverVersion());
  const rows = [
    { part: "client", version: host.version },
    ...(asked?.ok ? [{ part: "server", version: asked.value, url: client.url }] : []),
  ];
  printer.list({
    kind: "Version",
    rows,
    columns: [
      { title: "PART", text: ({ part }) => part },
      { title: "VERSION", text: (row) => row.version },
      { title: "URL", text: (row) => "url" in row ? row.url : "" },
    ],
    name: (row) => row.version,
  });
  if (asked === null || asked.ok) return EXIT.done;
  printer.complain(asked.error);
  return exitCodeOf(asked.error);
}
