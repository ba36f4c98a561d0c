/** `draas completion`: scripts for shells, which ask `draas` itself for commands, flags and names. */
import { Argument, type Command } from "commander";
import { beginInvocation } from "../invocation.ts";
import { EXIT } from "../exit_codes.ts";
import { candidates } from "../completion/candidates.ts";
import { SCRIPTS, type Shell, SHELLS } from "../completion/scripts.ts";
import { outcomeOf } from "../invocation.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

/** Whoever presses Tab does not wait longer. */
const ASK_LIMIT_MS = 2_000;

/** Adds the commands to the program. */
export function addCompletionCommands({ program, host, run }: CommandMaker): void {
  addExamples(
    program.command("completion").summary("print a completion script for a shell")
      .description("Prints a script by which a shell completes commands, flags and names.")
      .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
      .action((shell: Shell, _options: unknown, command: Command) =>
        run(({ printer }) => {
          printer.data(SCRIPTS[shell]);
          return Promise.resolve(EXIT.done);
        }, command)
      ),
    'eval "$(draas completion bash)"',
    "draas completion fish > ~/.config/fish/completions/draas.fish",
  );
  program.command("__complete", { hidden: true }).argument("[words...]")
    .action((words: string[]) => complete(words));

  async function complete(words: readonly string[]): Promise<void> {
    const ask = async <T>(what: (client: Client) => Promise<T[]>): Promise<T[]> => {
      const found = await outcomeOf(
        (async () => await what(beginInvocation(host, { output: "table" }, true).client))(),
      );
      // There is nothing to complete with, and no place to say why.
      return found.ok ? found.value : [];
    };
    const found = await candidates(program, words, {
      instances: () => ask((client) => client.instances({}, ASK_LIMIT_MS)),
      workers: () => ask((client) => client.workers(ASK_LIMIT_MS)),
    });
    host.stdout.write(found.map((one) => `${one}\n`).join(""));
  }
}

type Client = ReturnType<typeof beginInvocation>["client"];
