/** `draas completion`: scripts for shells, which ask `draas` itself for commands, flags and names. */
import { Argument, type Command } from "commander";
import type { RemoteClient } from "../../http/client/remote_client.ts";
import { contextsOf } from "../client_place.ts";
import { beginInvocation, outcomeOf, type SharedOptions } from "../invocation.ts";
import { EXIT } from "../exit_codes.ts";
import { candidates } from "../completion/candidates.ts";
import { SCRIPTS, type Shell, SHELLS } from "../completion/scripts.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

/** Whoever presses Tab does not wait longer. */
const ASK_LIMIT_MS = 2_000;

/** Adds the commands to the program. */
export function addCompletionCommands({ program, host, runAlone }: CommandMaker): void {
  addExamples(
    program.command("completion").summary("print a completion script for a shell")
      .description("Prints a script by which a shell completes commands, flags and names.")
      .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
      .action((shell: Shell, _options: unknown, command: Command) =>
        runAlone(({ printer }) => {
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
    const said: SharedOptions = {
      output: "table",
      url: flagIn(words, "--url"),
      context: flagIn(words, "--context"),
    };
    const asked = <T>(ask: (client: RemoteClient) => Promise<T[]>) =>
      orNone(async () => await ask((await beginInvocation(host, said, true)).client));
    const found = await candidates(program, words, {
      instances: () => asked((client) => client.instances({}, ASK_LIMIT_MS)),
      workers: () => asked((client) => client.workers(ASK_LIMIT_MS)),
      contexts: () => orNone(async () => Object.keys((await contextsOf(host)).contexts)),
    });
    host.stdout.write(found.map((one) => `${one}\n`).join(""));
  }
}

/** The fleet is the one that the line so far names. */
function flagIn(words: readonly string[], flag: string): string | undefined {
  const at = words.indexOf(flag);
  return at < 0 ? undefined : words[at + 1];
}

/** There is nothing to complete with, and no place to say why. */
async function orNone<T>(work: () => Promise<T[]>): Promise<T[]> {
  const found = await outcomeOf(work());
  return found.ok ? found.value : [];
}
