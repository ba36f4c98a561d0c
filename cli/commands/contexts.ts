/** `draas context`: control planes under names of their own, in a file of the user's. */
import type { Command } from "commander";
import { OperationalError } from "../../events/errors.ts";
import { ADDRESS_FORM, addressOf, isToken, TOKEN_FORM } from "../../settings/client_address.ts";
import {
  type Context,
  contextNameFault,
  contextOf,
  type Contexts,
  contextsText,
  knownText,
} from "../../settings/contexts.ts";
import { printable } from "../../tui/terminal_text.ts";
import { contextsOf } from "../client_place.ts";
import { EXIT, UsageError } from "../exit_codes.ts";
import { fromWhereItWasCalled } from "../input_files.ts";
import type { Voice } from "../invocation.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

interface AddOptions {
  tokenFile?: string;
  tokenStdin?: boolean;
  use?: boolean;
}

/** Adds the commands to the program. */
export function addContextCommands({ program, runAlone }: CommandMaker): void {
  const context = addExamples(
    program.command("context").summary("name control planes, and choose one")
      .description(
        "Names control planes and chooses the one that is asked where neither --url nor DRAAS_URL says another. They are " +
          "kept in ~/.config/draas/contexts.yaml, which is for its owner alone.",
      ),
    "draas context add prod https://draas.example --token-file ~/.draas-prod --use",
    "draas context list",
    "draas context use test",
    "draas list --context prod",
  );
  context.command("list").alias("ls").summary("list contexts").description("Lists the contexts.")
    .action((_options: unknown, command: Command) => runAlone(list, command));
  context.command("use").summary("make one the current context")
    .description("Makes a context the current one: it is asked where nothing else is said.")
    .argument("<context>", "its name")
    .action((name: string, _options: unknown, command: Command) =>
      runAlone((voice) => use(voice, name), command)
    );
  context.command("add").summary("add a context")
    .description("Adds a context. The first one is the current one at once.")
    .argument("<name>", "how it is to be called")
    .argument("<url>", "where the control plane is")
    .option("--token-file <path>", "the file that holds its token; it is read with each command")
    .option("--token-stdin", "read its token from the standard input, and keep it")
    .option("--use", "make it the current context")
    .action((name: string, url: string, options: AddOptions, command: Command) =>
      runAlone((voice) => add(voice, name, url, options), command)
    );
  context.command("remove").alias("rm").summary("remove a context")
    .description("Removes a context, with the token that was kept for it.")
    .argument("<context>", "its name")
    .action((name: string, _options: unknown, command: Command) =>
      runAlone((voice) => remove(voice, name), command)
    );
}

async function list({ host, printer }: Voice): Promise<number> {
  const { current, contexts } = await contextsOf(host);
  const rows = Object.entries(contexts).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, { url, token, tokenFile }]) => ({
      name,
      url,
      current: name === current,
      hasToken: token !== undefined || tokenFile !== undefined,
      ...(tokenFile === undefined ? {} : { tokenFile }),
    }));
  printer.list({
    kind: "Context",
    rows,
    columns: [
      { title: "", text: (row) => row.current ? "*" : " " },
      { title: "NAME", text: ({ name }) => name },
      { title: "URL", text: ({ url }) => url },
      { title: "TOKEN", text: (row) => row.tokenFile ?? (row.hasToken ? "kept here" : "") },
    ],
    name: ({ name }) => name,
  });
  if (rows.length === 0) printer.say("No contexts yet: `draas context add NAME URL`.");
  return EXIT.done;
}

async function use({ host, printer }: Voice, name: string): Promise<number> {
  const kept = await contextsOf(host);
  if (!contextOf(kept, name)) throw noContext(name, kept);
  await host.contextFile.write(contextsText({ ...kept, current: name }));
  printer.say(`${name} is the current context.${overruled(host.environment.DRAAS_URL)}`);
  return EXIT.done;
}

async function add(
  { host, printer }: Voice,
  name: string,
  given: string,
  { tokenFile, tokenStdin = false, use = false }: AddOptions,
): Promise<number> {
  const url = addressOf(given);
  const fault = contextNameFault(name);
  const faults = [
    ...(fault === null ? [] : [`The name ${fault}.`]),
    ...(url === null ? [`The address ${ADDRESS_FORM}.`] : []),
    ...(tokenStdin && tokenFile !== undefined ? ["--token-file says where the token is."] : []),
  ];
  if (url === null || faults.length > 0) {
    throw new UsageError(faults.join(" "), "`draas context add --help` has an example.");
  }
  const kept = await contextsOf(host);
  if (contextOf(kept, name)) {
    throw new OperationalError(
      "context_exists",
      `There is a context ${name} already.`,
      false,
      `\`draas context remove ${name}\` makes room for another one.`,
    );
  }
  const context: Context = {
    url,
    ...(tokenStdin ? { token: await typedToken(host) } : {}),
    ...(tokenFile === undefined ? {} : { tokenFile: fromWhereItWasCalled(host, tokenFile) }),
  };
  const isCurrent = use || kept.current === null;
  await host.contextFile.write(contextsText({
    current: isCurrent ? name : kept.current,
    contexts: { ...kept.contexts, [name]: context },
  }));
  const isUsed = isCurrent
    ? `, and is the current one.${overruled(host.environment.DRAAS_URL)}`
    : ".";
  printer.say(`${name} is ${printable(url)}${isUsed}`);
  return EXIT.done;
}

async function remove({ host, printer }: Voice, name: string): Promise<number> {
  const kept = await contextsOf(host);
  if (!contextOf(kept, name)) throw noContext(name, kept);
  const { [name]: _, ...contexts } = kept.contexts;
  const current = kept.current === name ? null : kept.current;
  await host.contextFile.write(contextsText({ current, contexts }));
  printer.say(
    current === kept.current
      ? `${name} is removed.`
      : `${name} is removed; there is no current context now.`,
  );
  return EXIT.done;
}

async function typedToken({ stdin }: Voice["host"]): Promise<string> {
  const token = (await stdin.text()).trim();
  if (isToken(token)) return token;
  throw new UsageError(`The token ${TOKEN_FORM}.`, "Give it on the standard input, alone.");
}

function noContext(name: string, contexts: Contexts): OperationalError {
  return new OperationalError(
    "no_such_context",
    `There is no context ${JSON.stringify(name)}; ${knownText(contexts)}.`,
    false,
    "`draas context list` shows them; `draas context add` makes one.",
  );
}

/** What a user would wonder about. */
function overruled(url: string | undefined): string {
  return url ? " DRAAS_URL is set, and comes before it." : "";
}
