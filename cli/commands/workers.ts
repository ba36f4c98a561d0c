/** `draas workers`, `drain`, `resume` and `forget`: who does the work, and who is to do no more of it. */
import type { Command } from "commander";
import type { JsonObject } from "../../events/json.ts";
import type { WorkerVerb } from "../../http/client/wishes.ts";
import { printable } from "../../tui/terminal_text.ts";
import { confirm } from "../confirmation.ts";
import { EXIT } from "../exit_codes.ts";
import { fanOut } from "../fan_out.ts";
import type { Invocation } from "../invocation.ts";
import { workerColumns } from "../output/fleet_tables.ts";
import { chosenWorkers } from "../selection.ts";
import { addExamples, addParallelAndYes, type CommandMaker } from "./shared_options.ts";

interface Deed {
  verb: WorkerVerb;
  doing: string;
  /** What became of the worker. */
  said(answer: JsonObject): string;
}

const DEEDS: Readonly<Record<WorkerVerb, Deed>> = {
  drain: {
    verb: "drain",
    doing: "Draining",
    said: () => "takes no new starts; what it has goes on",
  },
  resume: { verb: "resume", doing: "Resuming", said: () => "takes starts again" },
  forget: {
    verb: "forget",
    doing: "Forgetting",
    said: ({ instanceIds }) => forgotten(instanceIds),
  },
};

interface Options {
  yes?: boolean;
  parallel: number;
}

/** Adds the commands to the program. */
export function addWorkerCommands(maker: CommandMaker): void {
  const { program, run } = maker;
  addExamples(
    program.command("workers").summary("list workers")
      .description("Lists the workers that have registered and were not forgotten.")
      .action((_options: unknown, command: Command) => run(list, command)),
    "draas workers",
    "draas workers -o wide",
  );
  addExamples(
    addDeed(maker, DEEDS.drain, "Keeps new starts from workers; what they have goes on."),
    "draas drain web1-3f9a1c",
    "draas drain web1 web2",
  );
  addExamples(
    addDeed(maker, DEEDS.resume, "Lets drained workers take starts again."),
    "draas resume web1-3f9a1c",
    "draas workers -o name | xargs draas resume",
  );
  addExamples(
    addDeed(
      maker,
      DEEDS.forget,
      "Gives up workers whose hosts do not come back: their instances may start elsewhere.",
    ),
    "draas forget web1-3f9a1c",
    "draas forget web1-3f9a1c --yes",
  );
}

function addDeed({ program, run }: CommandMaker, deed: Deed, description: string): Command {
  const command = program.command(deed.verb)
    .summary(`${description[0]!.toLowerCase()}${description.slice(1).replace(/[.;:].*$/, "")}`)
    .description(description)
    .argument("<worker...>", "by id, or the beginning of an id");
  return addParallelAndYes(command).action(
    (references: string[], options: Options, called: Command) =>
      run((invocation) => perform(invocation, deed, references, options), called),
  );
}

async function list({ client, printer, host }: Invocation): Promise<number> {
  const rows = await printer.during(() => "Reading the workers …", client.workers());
  const columns = workerColumns(host.clock.now(), printer.isWide);
  printer.list({ kind: "Worker", rows, columns, name: ({ id }) => id });
  if (rows.length === 0) {
    printer.say("No workers: start one, for example `deno task worker:process`.");
  }
  return EXIT.done;
}

async function perform(
  invocation: Invocation,
  { verb, doing, said }: Deed,
  references: readonly string[],
  { yes, parallel }: Options,
): Promise<number> {
  const { host, client } = invocation;
  const targets = await chosenWorkers(client, references);
  if (verb === "forget" && !yes) {
    const whom = targets.length === 1 ? "this worker" : `these ${targets.length} workers`;
    await confirm(invocation, `Forget ${whom}?`, targets.map(({ id }) => id));
  }
  const key = host.ids.next("request");
  return await fanOut(invocation, {
    action: verb,
    targets,
    parallel,
    idOf: ({ id }) => id,
    nameOf: ({ id }) => id,
    doing,
    async run({ id }) {
      const answer = await client.askWorker(id, verb, key);
      return { outcome: "done", fields: answer, line: `${printable(id)} ${said(answer)}` };
    },
  });
}

function forgotten(instanceIds: JsonObject[string] | undefined): string {
  const count = Array.isArray(instanceIds) ? instanceIds.length : 0;
  return `is forgotten; ${count} of its instances may start elsewhere`;
}
