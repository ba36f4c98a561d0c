/** What may stand where a user presses Tab: found from the commands themselves, and from the fleet. */
import type { Command, Option } from "commander";

/** What the fleet can tell. */
export interface FleetNames {
  instances(): Promise<{ id: string; name: string }[]>;
  workers(): Promise<{ id: string }[]>;
  contexts(): Promise<string[]>;
}

/** Names that no shell takes apart. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The words that begin as the last of `words` does.
 * @param words after `draas`, up to where the cursor is; the last one is what was typed of it, perhaps nothing
 */
export async function candidates(
  program: Command,
  words: readonly string[],
  fleet: FleetNames,
): Promise<string[]> {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? "";
  const all = await possible(program, before, typed, fleet);
  return [...new Set(all)].filter((one) => one.startsWith(typed)).sort();
}

async function possible(
  program: Command,
  before: readonly string[],
  typed: string,
  fleet: FleetNames,
): Promise<string[]> {
  const operands = before.filter((word, at) => isOperand(program, before, word, at));
  const command = commandOf(program, operands);
  const options = optionsOf(command, program);
  const open = options.find((one) => takesValue(one) && isCalled(one, before.at(-1)));
  if (open?.long === "--context") return await fleet.contexts();
  if (open) return open.argChoices ?? [];
  if (before.includes("--")) return [];
  if (typed.startsWith("-")) {
    const first = operands.length === 0 && before.length === 0 ? ["--version"] : [];
    return [
      "--help",
      ...first,
      ...options.flatMap(({ long, hidden }) => long && !hidden ? [long] : []),
    ];
  }
  if (command.commands.length > 0) {
    return command.commands.flatMap((one) => isHidden(one) ? [] : [one.name()]);
  }
  const argument = command.registeredArguments[0];
  if (argument?.argChoices) return argument.argChoices;
  switch (argument?.name()) {
    case "instance":
      return unused(instanceNames(await fleet.instances()), before);
    case "worker":
      return unused((await fleet.workers()).map(({ id }) => id), before);
    case "context":
      return unused(await fleet.contexts(), before);
    default:
      return [];
  }
}

/** The command that the words name, or one in which another one is to be named. */
function commandOf(program: Command, operands: readonly string[]): Command {
  let command = program;
  for (const word of operands) {
    const named = command.commands.find((one) => one.name() === word || one.aliases()[0] === word);
    if (!named) return command;
    command = named;
  }
  return command;
}

/** Whether a word is no flag and no flag's value. */
function isOperand(
  program: Command,
  words: readonly string[],
  word: string,
  at: number,
): boolean {
  const isValue = program.options.some((one) => takesValue(one) && isCalled(one, words[at - 1]));
  return !word.startsWith("-") && !isValue;
}

function optionsOf(command: Command, program: Command): Option[] {
  return command === program ? [...program.options] : [...command.options, ...program.options];
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function isCalled({ long, short }: Option, word: string | undefined): boolean {
  return word !== undefined && (word === long || word === short);
}

function isHidden(command: Command): boolean {
  return command.name().startsWith("_");
}

/** By name where it is one word and nobody else's; else by id. */
function instanceNames(instances: readonly { id: string; name: string }[]): string[] {
  const counts = new Map<string, number>();
  for (const { name } of instances) counts.set(name, (counts.get(name) ?? 0) + 1);
  return instances.map(({ id, name }) => PLAIN.test(name) && counts.get(name) === 1 ? name : id);
}

function unused(names: readonly string[], before: readonly string[]): string[] {
  return names.filter((one) => PLAIN.test(one) && !before.includes(one));
}
