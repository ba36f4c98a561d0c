/** `draas revisions` and `rollback`: the configurations that an instance has had, and going back to one. */
import { type Command, Option } from "commander";
import type { ConfigurationAnswer, RevisionAnswer } from "../../http/client/answers.ts";
import { RemoteConfigurations } from "../../http/client/remote_configurations.ts";
import { printable } from "../../tui/terminal_text.ts";
import { EXIT } from "../exit_codes.ts";
import { fanOut } from "../fan_out.ts";
import type { Invocation } from "../invocation.ts";
import { wholeNumber } from "../option_values.ts";
import { age } from "../output/ages.ts";
import { namedInstance } from "../output/fleet_tables.ts";
import type { Column } from "../output/table.ts";
import { askedBefore, chosenInstances, knownInstance } from "../selection.ts";
import { addExamples, type CommandMaker, keyOption } from "./shared_options.ts";

const REVISION_MAX = 999_999_999;
const SHOWN_MAX = 200;
const ONE_AT_A_TIME = 1;

interface ListOptions {
  show?: number;
  limit: number;
}

interface RollbackOptions {
  to: number;
  idempotencyKey?: string;
}

const revisionNumber = wholeNumber(1, REVISION_MAX);

/** Adds the commands to the program. */
export function addRevisionCommands({ program, run }: CommandMaker): void {
  addExamples(
    program.command("revisions").summary("list the configurations that an instance has had")
      .description(
        "Lists the configurations that an instance has had, newest first, or shows one of them. A * marks what it runs with.",
      )
      .argument(
        "<instance>",
        "by name, id, or the beginning of an id; a deleted one by its whole id",
      )
      .addOption(
        new Option("--show <revision>", "this one, with its serverConfiguration")
          .argParser(revisionNumber),
      )
      .addOption(
        new Option("-n, --limit <revisions>", "the last ones").argParser(wholeNumber(1, SHOWN_MAX))
          .default(20),
      )
      .action((reference: string, options: ListOptions, command: Command) =>
        run((invocation) => revisions(invocation, reference, options), command)
      ),
    "draas revisions web",
    "draas revisions web --show 3 -o yaml",
  );
  addExamples(
    program.command("rollback").summary("configure instances as they were")
      .description(
        "Configures instances again as they were in a revision, which makes a new one. What runs takes it with its next " +
          "start: `draas restart`.",
      )
      .argument("<instance...>", "by name, id, or the beginning of an id")
      .addOption(
        new Option("--to <revision>", "which one: `draas revisions` lists them")
          .argParser(revisionNumber).makeOptionMandatory(),
      )
      .addOption(keyOption())
      .action((references: string[], options: RollbackOptions, command: Command) =>
        run((invocation) => rollback(invocation, references, options), command)
      ),
    "draas rollback web --to 3",
    "draas rollback web --to 3 && draas restart web",
  );
}

async function revisions(
  { client, printer, remote, host }: Invocation,
  reference: string,
  { show, limit }: ListOptions,
): Promise<number> {
  const configurations = new RemoteConfigurations(remote);
  const { id } = await knownInstance(client, reference);
  if (show !== undefined) {
    const revision = await configurations.revision(id, show);
    if (printer.format === "table" || printer.format === "wide") {
      const lines = JSON.stringify(revision.configuration, null, 2).split("\n");
      // JSON lets through what some terminals obey.
      printer.data(`${(host.stdout.isTerminal ? lines.map(printable) : lines).join("\n")}\n`);
    } else list({ printer }, [revision], []);
    return EXIT.done;
  }
  const { items, firstRevision, nextCursor } = await configurations.revisions(id, limit);
  const running = await runningRevision(configurations, id);
  list({ printer }, items, revisionColumns(running, host.clock.now()));
  if (nextCursor !== undefined) printer.say("There are older ones: --limit shows more.");
  if (firstRevision !== undefined) {
    printer.say(`Those before ${firstRevision} were cut from the log.`);
  }
  return EXIT.done;
}

function list(
  { printer }: Pick<Invocation, "printer">,
  rows: readonly RevisionAnswer[],
  columns: readonly Column<RevisionAnswer>[],
): void {
  printer.list({ kind: "Revision", rows, columns, name: ({ revision }) => String(revision) });
}

/** Null where nothing runs, or nothing is any more. */
async function runningRevision(
  configurations: RemoteConfigurations,
  id: string,
): Promise<number | null> {
  try {
    return (await configurations.get(id)).runningRevision;
  } catch (error) {
    if ((error as { code?: string }).code === "deleted") return null;
    throw error;
  }
}

function revisionColumns(running: number | null, now: number): Column<RevisionAnswer>[] {
  return [
    { title: "", text: ({ revision }) => revision === running ? "*" : " " },
    { title: "REVISION", text: ({ revision }) => String(revision), isNumber: true },
    { title: "AGE", text: ({ at, asOf }) => age(at ?? textOf(asOf?.at), now), isNumber: true },
    { title: "SINCE", text: ({ at, asOf }) => at ?? `before ${textOf(asOf?.at)}` },
    { title: "BY", text: ({ by }) => by ?? "" },
  ];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

async function rollback(
  invocation: Invocation,
  references: readonly string[],
  { to, idempotencyKey }: RollbackOptions,
): Promise<number> {
  const { client, remote, host } = invocation;
  const configurations = new RemoteConfigurations(remote);
  const targets: { id: string; name: string }[] = idempotencyKey === undefined
    ? await chosenInstances(client, { references })
    : askedBefore({ references });
  const key = idempotencyKey ?? host.ids.next("request");
  return await fanOut(invocation, {
    action: "rollback",
    targets,
    parallel: ONE_AT_A_TIME,
    idOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    doing: "Rolling back",
    key,
    async run(target) {
      const answer = await configurations.rollBack(target.id, to, { key });
      const { revision, runningRevision, drift, changed } = answer;
      return {
        outcome: changed === false ? "unchanged" : "done",
        fields: { revision, runningRevision, drift },
        line: printable(`${namedInstance(target)} ${cameTo(answer, to)}`),
      };
    },
  });
}

function cameTo({ revision, drift, changed, id }: ConfigurationAnswer, to: number): string {
  const done = changed === false
    ? `is configured so already, as revision ${revision}`
    : `is configured as in revision ${to}, which makes revision ${revision}`;
  return drift ? `${done}; \`draas restart ${id.slice(0, 8)}\` runs it` : done;
}
