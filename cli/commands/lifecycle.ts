/** `draas start`, `stop`, `restart`, `move` and `delete`: one thing, asked of one or many instances. */
import { type Command, Option } from "commander";
import type { JsonObject } from "../../events/json.ts";
import type { MutationAnswer } from "../../http/client/answers.ts";
import type { InstanceVerb } from "../../http/client/wishes.ts";
import { printable } from "../../tui/terminal_text.ts";
import { confirm } from "../confirmation.ts";
import { EXIT } from "../exit_codes.ts";
import { fanOut, type Result } from "../fan_out.ts";
import { readObject } from "../input_files.ts";
import type { Invocation } from "../invocation.ts";
import { oneMoreLabel } from "../option_values.ts";
import { took } from "../output/ages.ts";
import { namedInstance } from "../output/fleet_tables.ts";
import { askedBefore, chosenInstances, isSweeping } from "../selection.ts";
import { platformOption, templateOption } from "./instances.ts";
import {
  addExamples,
  addManyOptions,
  addWaitingOptions,
  type CommandMaker,
  type ManyOptions,
  type WaitingOptions,
} from "./shared_options.ts";

/** The words of one of these commands. */
interface Deed {
  verb: InstanceVerb;
  doing: string;
  done: string;
  /** When it was so before. */
  unchanged: string;
  /** Asks before also where instances are named one by one. */
  isGrave?: boolean;
}

const DEEDS = {
  start: { verb: "start", doing: "Starting", done: "started", unchanged: "runs already" },
  stop: { verb: "stop", doing: "Stopping", done: "stopped", unchanged: "was stopped before" },
  restart: { verb: "restart", doing: "Restarting", done: "restarted", unchanged: "runs already" },
  move: { verb: "move", doing: "Moving", done: "moved", unchanged: "is there already" },
  delete: {
    verb: "delete",
    doing: "Deleting",
    done: "deleted",
    unchanged: "was deleted before",
    isGrave: true,
  },
} as const satisfies Record<InstanceVerb, Deed>;

type Options = ManyOptions & WaitingOptions & {
  force?: boolean;
  config?: string;
  platform?: string;
  template?: string;
  workerLabel?: Record<string, string>;
};

/** Adds the commands to the program. */
export function addLifecycleCommands(maker: CommandMaker): void {
  addExamples(
    addDeed(maker, DEEDS.start, "start instances")
      .option("--config <path>", "a serverConfiguration for this start alone, in JSON or YAML"),
    "draas start web",
    "draas start web cache --timeout 2m",
    "draas start --label env=prod --yes --parallel 16",
  );
  addExamples(
    addDeed(maker, DEEDS.stop, "stop instances"),
    "draas stop web",
    "draas stop --all --yes",
    "draas stop web --no-wait",
  );
  addExamples(
    addDeed(maker, DEEDS.restart, "stop instances and start them anew"),
    "draas restart web",
    "draas restart --label env=prod -o json",
  );
  addExamples(
    addDeed(maker, DEEDS.move, "move stopped instances to another platform")
      .addOption(platformOption("where to").makeOptionMandatory())
      .addOption(templateOption("as what; else as before"))
      .option("--config <path>", "its serverConfiguration there, in JSON or YAML; else as before")
      .addOption(
        new Option(
          "--worker-label <key=value>",
          "what its workers must have there; may be repeated",
        )
          .argParser(oneMoreLabel),
      )
      .option("--force", "ask no worker: what is left at its last place stays there"),
    "draas move web --platform docker",
    "draas move cache --platform docker --template image --config image.yaml",
  );
  addExamples(
    addDeed(maker, DEEDS.delete, "delete instances, and stop what runs of them")
      .option("--force", "ask no worker: what runs is ended by its worker when that is back"),
    "draas delete web",
    "draas delete web cache --yes",
    "draas delete --label env=test --yes",
  );
}

function addDeed({ program, run }: CommandMaker, deed: Deed, summary: string): Command {
  const command = program.command(deed.verb).summary(summary)
    .description(
      `${summary[0]!.toUpperCase()}${summary.slice(1)}. Each result is told as it comes.`,
    );
  return addWaitingOptions(addManyOptions(command)).action(
    (references: string[], options: Options, called: Command) =>
      run((invocation) => perform(invocation, deed, references, options), called),
  );
}

async function perform(
  invocation: Invocation,
  deed: Deed,
  references: readonly string[],
  options: Options,
): Promise<number> {
  const { host, client, printer } = invocation;
  const body = await bodyOf(invocation, deed.verb, options);
  const chosen = { references, ...options };
  const targets = options.idempotencyKey === undefined
    ? await printer.during(() => "Reading the fleet …", chosenInstances(client, chosen))
    : askedBefore(chosen);
  if (targets.length === 0) {
    printer.say("No instance is like that; nothing was done.");
    return EXIT.done;
  }
  if (!options.yes && (deed.isGrave || isSweeping(chosen))) {
    await confirm(invocation, questionOf(deed, targets.length), targets.map(namedInstance));
  }
  const key = options.idempotencyKey ?? host.ids.next("request");
  const wish = { key, wait: options.wait, timeoutMs: options.timeout };
  return await fanOut(invocation, {
    action: deed.verb,
    targets,
    parallel: options.parallel,
    idOf: ({ id }) => id,
    nameOf: ({ name }) => name,
    doing: deed.doing,
    key,
    async run(target) {
      const begun = host.clock.monotonic();
      const answer = await client.ask(target.id, deed.verb, wish, {
        body,
        force: options.force ?? false,
      });
      return resultOf(deed, target, answer, host.clock.monotonic() - begun);
    },
  });
}

async function bodyOf(
  { host }: Invocation,
  verb: InstanceVerb,
  { config, platform, template, workerLabel }: Options,
): Promise<JsonObject | undefined> {
  const configuration = config === undefined ? undefined : await readObject(host, config);
  if (verb !== "move") return configuration;
  return {
    platform: platform ?? "process",
    ...(template === undefined ? {} : { template }),
    ...(configuration === undefined ? {} : { serverConfiguration: configuration }),
    ...(workerLabel === undefined ? {} : { workerLabels: workerLabel }),
  };
}

function questionOf({ verb }: Deed, count: number): string {
  const word = `${verb[0]!.toUpperCase()}${verb.slice(1)}`;
  return count === 1 ? `${word} this instance?` : `${word} these ${count} instances?`;
}

function resultOf(
  deed: Deed,
  target: { id: string; name: string },
  { outcome, runtimeInfo, instance, position }: MutationAnswer,
  tookMs: number,
): Result {
  const said = {
    done: `${deed.done}${runText(runtimeInfo)} (${took(tookMs)})`,
    unchanged: deed.unchanged,
    accepted: `was asked to ${deed.verb}; \`draas get ${target.id.slice(0, 8)}\` shows how it goes`,
  };
  return {
    outcome,
    fields: {
      ...(position === undefined ? {} : { position }),
      ...(runtimeInfo === undefined ? {} : { runtimeInfo: runtimeInfo as JsonObject }),
      ...(instance === undefined ? {} : { instance: instance as unknown as JsonObject }),
    },
    line: printable(`${namedInstance(target)} ${said[outcome]}`),
  };
}

function runText(run: MutationAnswer["runtimeInfo"]): string {
  if (run?.status !== "Running") return "";
  const parts = [
    run.processId === undefined ? [] : [`pid ${run.processId}`],
    run.port === undefined ? [] : [`port ${run.port}`],
  ].flat();
  return parts.length === 0 ? "" : `: ${parts.join(", ")}`;
}
