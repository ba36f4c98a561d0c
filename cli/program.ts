/** The command line as a function: arguments and a host in, an exit code out. */
import { Command, CommanderError, Help, Option } from "commander";
import { addApplyCommand } from "./commands/apply.ts";
import { addCompletionCommands } from "./commands/completion.ts";
import { addContextCommands } from "./commands/contexts.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addEventCommands } from "./commands/events.ts";
import { addFleetCommands } from "./commands/fleet.ts";
import { addInstanceCommands } from "./commands/instances.ts";
import { addLifecycleCommands } from "./commands/lifecycle.ts";
import { addLogCommands } from "./commands/logs.ts";
import { addPastCommands } from "./commands/past.ts";
import { addRevisionCommands } from "./commands/revisions.ts";
import { runners } from "./commands/shared_options.ts";
import { addTokenCommand } from "./commands/token.ts";
import { addTopCommand } from "./commands/top.ts";
import { addTuiCommand } from "./commands/tui.ts";
import { addVersionCommand } from "./commands/version.ts";
import { addWaitCommand } from "./commands/wait.ts";
import { addWorkerCommands } from "./commands/workers.ts";
import { EXIT, EXIT_CODES_HELP, exitCodeOf } from "./exit_codes.ts";
import type { CliHost } from "./host.ts";
import { FORMATS } from "./output/envelope.ts";
import { hasColours } from "./output/paint.ts";
import { OutputClosed } from "./output/printer.ts";
import { problemText } from "./output/problem_text.ts";

const SETTINGS_HELP = `
Settings:
  DRAAS_URL    where the control plane is; else the current context's, or http://127.0.0.1:4700
  DRAAS_TOKEN  its token, where it was started with one
  NO_COLOR     no colours, also on a terminal

${EXIT_CODES_HELP}

Examples:
  $ draas list
  $ draas create cache -- redis-server --port 7001
  $ draas start cache && draas logs cache -f`;

/**
 * Runs one command; gives its exit code (`EXIT`). Data goes to the host's `stdout`, everything else to its `stderr`.
 *
 * ```ts ignore
 * const code = await runDraas(["list", "-o", "json"], host);
 * ```
 */
export async function runDraas(args: readonly string[], host: CliHost): Promise<number> {
  let code: number = EXIT.done;
  const program = emptyProgram(host);
  const maker = { program, host, args, ...runners(host, (ended) => code = ended) };
  addInstanceCommands(maker);
  addLifecycleCommands(maker);
  addLogCommands(maker);
  addEventCommands(maker);
  addPastCommands(maker);
  addWaitCommand(maker);
  addRevisionCommands(maker);
  addTopCommand(maker);
  addWorkerCommands(maker);
  addFleetCommands(maker);
  addApplyCommand(maker);
  addTokenCommand(maker);
  addTuiCommand(maker);
  addContextCommands(maker);
  addDoctorCommand(maker);
  addVersionCommand(maker);
  addCompletionCommands(maker);
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.done;
  }
  if (args[0] === RELEASE.short || args[0] === RELEASE.long) {
    host.stdout.write(`${host.version}\n`);
    return EXIT.done;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    // It has said everything already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof OutputClosed) return EXIT.done;
    host.stderr.write(problemText(error));
    return exitCodeOf(error);
  }
}

/** Of the program alone, and only as its first word: `at --version` asks for something else. */
const RELEASE = new Option("-V, --version", "show the release of the command line");

function optionsShown(command: Command): Option[] {
  const own = Help.prototype.visibleOptions.call(new Help(), command);
  return command.parent === null ? [RELEASE, ...own] : own;
}

function emptyProgram(host: CliHost): Command {
  const { stdout, stderr, environment } = host;
  return new Command("draas")
    .description("Drives a fleet of DRaaS over its HTTP API.")
    .addOption(
      new Option("-o, --output <format>", "the form of the data").choices(FORMATS).default("table"),
    )
    .option("--json", "the same as -o json")
    .option("--url <url>", "where the control plane is; comes before DRAAS_URL")
    .option("--context <context>", "the control plane of this name: `draas context`")
    .configureHelp({ showGlobalOptions: true, visibleOptions: optionsShown })
    .addHelpText("after", SETTINGS_HELP)
    .showHelpAfterError("Call it with --help to see what there is.")
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.isTerminal ? stdout.columns() : 100,
      getErrHelpWidth: () => stderr.isTerminal ? stderr.columns() : 100,
      getOutHasColors: () => hasColours(stdout.isTerminal, environment),
      getErrHasColors: () => hasColours(stderr.isTerminal, environment),
    })
    .exitOverride();
}
