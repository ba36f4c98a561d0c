/**
 * The stand-in for drasi-server: a separate program that behaves like one where none is installed.
 *
 * `deno run --no-prompt --allow-net --allow-read --allow-write --allow-env main.ts --config F --port N`
 */
import { type Command, HELP, type Options, parseArguments } from "./arguments.ts";
import { boot } from "./boot.ts";
import { loadConfiguration, type LoadContext, type Loaded } from "./configuration_file.ts";
import { exists, FatalError, readConfigurationText, withDotEnv } from "./disk.ts";
import { commaList } from "./faults.ts";
import { DECLARATION, VERSION_LINE } from "./identity.ts";
import { untilStopped } from "./lifetime.ts";
import { writerTo } from "./output.ts";
import { absentReport, type Report, validationReport } from "./validate.ts";

const stdout = writerTo(Deno.stdout);
const stderr = writerTo(Deno.stderr);

/** Does what the command line asks for; gives back the exit code. */
async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case "version":
      stdout(`${VERSION_LINE}\n`);
      return 0;
    case "help":
      stdout(HELP);
      return 0;
    case "usage-error":
      stderr(command.text);
      return 2;
    case "validate": {
      stdout(`${DECLARATION}\n`);
      const report = validate(command.options, command.showResolved);
      stdout(report.text);
      return report.exitCode;
    }
    case "run":
      stdout(`${DECLARATION}\n`);
      return await run(command.options);
  }
}

async function run(options: Options): Promise<number> {
  try {
    const booted = await boot(options, {
      environment: Deno.env.toObject(),
      stdout,
      stderr,
      nowMs: Date.now,
      randomId: () => crypto.randomUUID(),
      defaultPluginsDir: `${import.meta.dirname}/plugins`,
    });
    const ended = untilStopped(booted, options.faults, stdout);
    // Said after the listener is in place: who waits for this line may send SIGINT at once.
    booted.log(
      "info",
      "drasi_server::server",
      `Drasi Server started successfully with API on port ${booted.port}`,
    );
    await ended;
    return 0;
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    stderr(`Error: ${error.message}\n`);
    return error.exitCode;
  }
}

function validate(options: Options, showResolved: boolean): Report {
  const path = options.config;
  if (!exists(path)) return absentReport(path);
  const { environment } = withDotEnv(path, Deno.env.toObject());
  const context = { path, environment, randomId: () => crypto.randomUUID() };
  const loaded = loadedFrom(path, context);
  return validationReport(loaded, { path, kinds: options.kinds, environment, showResolved });
}

/** Everything that `validate` finds goes to stdout, an unreadable file too. */
function loadedFrom(path: string, context: LoadContext): Loaded {
  try {
    return loadConfiguration(readConfigurationText(path), context);
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    return { ok: false, message: error.message };
  }
}

if (import.meta.main) {
  const faultWords = commaList(Deno.env.get("DRAAS_STAND_IN_FAULTS") ?? "");
  Deno.exit(await main(parseArguments(Deno.args, faultWords)));
}
