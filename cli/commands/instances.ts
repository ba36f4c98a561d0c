/** `draas list`, `get` and `create`: what instances there are, and one more. */
import { type Command, Option } from "commander";
import type { JsonObject } from "../../events/json.ts";
import type { InstanceAnswer } from "../../http/client/answers.ts";
import { printable } from "../../tui/terminal_text.ts";
import { EXIT, exitCodeOf, UsageError } from "../exit_codes.ts";
import { READS_AT_ONCE, someAtATime } from "../fan_out.ts";
import { readObject } from "../input_files.ts";
import { type Invocation, outcomeOf, unlessAborted, untilInterrupted } from "../invocation.ts";
import { instanceColumns } from "../output/fleet_tables.ts";
import { instanceDetails } from "../output/instance_details.ts";
import { chosenInstances, labelled } from "../selection.ts";
import {
  addExamples,
  type CommandMaker,
  keyOption,
  labelOption,
  STATUSES,
} from "./shared_options.ts";

const PLATFORMS = ["process", "docker", "kubernetes"];
const TEMPLATES = ["drasi-server", "command", "image"];

interface ListOptions {
  status?: string;
  platform?: string;
  worker?: string;
  label?: Record<string, string>;
  search?: string;
}

interface CreateOptions {
  file?: string;
  config?: string;
  platform?: string;
  template?: string;
  description?: string;
  label?: Record<string, string>;
  idempotencyKey?: string;
}

/** `--platform`, of a list or of what is to be. */
export function platformOption(words: string): Option {
  return new Option("--platform <platform>", words).choices(PLATFORMS);
}

/** `--template`. */
export function templateOption(words: string): Option {
  return new Option("--template <template>", words).choices(TEMPLATES);
}

/** Adds the commands to the program. */
export function addInstanceCommands({ program, args, run }: CommandMaker): void {
  addExamples(
    program.command("list").alias("ls").summary("list instances")
      .description("Lists the instances of the fleet.")
      .addOption(new Option("--status <status>", "those in this status").choices(STATUSES))
      .addOption(platformOption("those on this platform"))
      .option("--worker <id>", "those that run under this worker")
      .addOption(labelOption())
      .option("-q, --search <text>", "those with this in their name or id")
      .action((options: ListOptions, command: Command) =>
        run((invocation) => list(invocation, options), command)
      ),
    "draas list",
    "draas list --status Failed -o wide",
    "draas list --label env=prod -o name | xargs draas restart",
  );
  addExamples(
    program.command("get").summary("show instances with all that is known of them")
      .description("Shows instances with all that is known of them.")
      .argument("<instance...>", "by name, id, or the beginning of an id")
      .action((references: string[], _options: unknown, command: Command) =>
        run((invocation) => get(invocation, references), command)
      ),
    "draas get web",
    "draas get 6f3a1b2c -o yaml",
  );
  addExamples(
    program.command("create").summary("create an instance")
      .description("Creates an instance, from a file or from what is said here. It is not started.")
      .argument("[name]", "its name")
      .argument("[command...]", "a program and its arguments, after --, for the template command")
      .option("-f, --file <path>", "its specification in JSON or YAML; - is the standard input")
      .option("--config <path>", "its serverConfiguration in JSON or YAML; - is the standard input")
      .addOption(platformOption("where it runs; else process"))
      .addOption(templateOption("what it is; else drasi-server, or command where one is given"))
      .option("--description <text>", "what it is for")
      .addOption(labelOption().default(undefined))
      .addOption(keyOption())
      .action((
        name: string | undefined,
        words: string[],
        options: CreateOptions,
        command: Command,
      ) =>
        run((invocation) => {
          expectName(args, words);
          return create(invocation, name, words, options);
        }, command)
      ),
    "draas create -f web.yaml",
    "draas create cache --label env=prod -- redis-server --port 7001",
    "draas create feed --config server.yaml -o name | xargs draas start",
  );
}

async function list({ client, printer, host }: Invocation, options: ListOptions): Promise<number> {
  const { label = {}, search, status, platform, worker } = options;
  const rows = await printer.during(
    () => "Reading the fleet …",
    labelled(client, label, {
      ...(status === undefined ? {} : { status }),
      ...(platform === undefined ? {} : { platform }),
      ...(worker === undefined ? {} : { worker }),
      ...(search === undefined ? {} : { q: search }),
    }),
  );
  rows.sort((a, b) => compareText(a.name, b.name) || compareText(a.id, b.id));
  const columns = instanceColumns(rows, host.clock.now(), printer.isWide);
  printer.list({ kind: "Instance", rows, columns, name: ({ id }) => id });
  if (rows.length > 0) return EXIT.done;
  const isAll = Object.values(options).every((one) => one === undefined);
  printer.say(isAll ? "No instances yet: `draas create --help`." : "No instance is like that.");
  return EXIT.done;
}

async function get(invocation: Invocation, references: readonly string[]): Promise<number> {
  const { client, printer, host } = invocation;
  const chosen = await chosenInstances(client, { references });
  // Those that were found by name are as a list tells them, which is less.
  const rows = await someAtATime(chosen, READS_AT_ONCE, ({ id }) => client.instance(id));
  if (printer.format === "table") {
    const texts = rows.map((one) => instanceDetails(one, host.clock.now(), printer.paint));
    printer.data(texts.join("\n"));
    return EXIT.done;
  }
  show(invocation, rows);
  return EXIT.done;
}

async function create(
  invocation: Invocation,
  name: string | undefined,
  words: readonly string[],
  options: CreateOptions,
): Promise<number> {
  const { host, client, printer } = invocation;
  const specification = await specificationOf(invocation, name, words, options);
  const key = options.idempotencyKey ?? host.ids.next("request");
  printer.beginChange();
  const told = await outcomeOf(untilInterrupted(invocation, (signal) =>
    printer.during(
      () => "Creating …",
      unlessAborted(signal, client.create(specification, key)),
    )));
  if (!told.ok) {
    printer.complain(told.error, {
      subject: String(specification.name),
      again: `The same command with --idempotency-key ${key}`,
    });
    return exitCodeOf(told.error);
  }
  const { name: given, id } = told.value;
  if (printer.format === "table") printer.data(printable(`${given} created: ${id}`) + "\n");
  else show(invocation, [told.value]);
  return EXIT.done;
}

/** The first word is taken for the name, also where a program was meant to be without one. */
function expectName(called: readonly string[], words: readonly string[]): void {
  const after = called.includes("--") ? called.slice(called.indexOf("--") + 1) : [];
  if (after.length <= words.length) return;
  throw new UsageError(
    "A program after -- needs the instance's name before it.",
    "Say `draas create NAME -- PROGRAM …`, also where a file has a name.",
  );
}

/** The file's, with what is said on the command line in its place. */
async function specificationOf(
  { host }: Invocation,
  name: string | undefined,
  words: readonly string[],
  { file, config, label, platform, template, description }: CreateOptions,
): Promise<JsonObject> {
  if (file === "-" && config === "-") {
    throw new UsageError("There is only one standard input.", "Give one of them as a file.");
  }
  const base = file === undefined ? {} : await readObject(host, file);
  const said: JsonObject = {
    ...(name === undefined ? {} : { name }),
    ...(platform === undefined ? {} : { platform }),
    ...(words.length === 0 ? {} : { template: "command" }),
    ...(template === undefined ? {} : { template }),
    ...(description === undefined ? {} : { description }),
    ...(label === undefined ? {} : { labels: { ...base.labels as JsonObject, ...label } }),
    ...(config === undefined ? {} : { serverConfiguration: await readObject(host, config) }),
  };
  const specification = { ...base, ...said };
  if (specification.name === undefined) {
    throw new UsageError(
      "The instance has no name.",
      "Say `draas create NAME`, or give a file that has one with -f.",
    );
  }
  if (words.length === 0) return specification;
  const configuration = specification.serverConfiguration as JsonObject | undefined;
  return { ...specification, serverConfiguration: { ...configuration, command: [...words] } };
}

function show({ printer, host }: Invocation, rows: readonly InstanceAnswer[]): void {
  const columns = instanceColumns(rows, host.clock.now(), true);
  printer.list({ kind: "Instance", rows, columns, name: ({ id }) => id });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
