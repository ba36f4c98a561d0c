/** `draas token new`: makes a token for a control plane's tokens file, which keeps its digest alone. */
import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import {
  type Role,
  ROLES,
  tokenDigest,
  tokenExpirySchema,
  tokenNameSchema,
} from "../../events/access_tokens.ts";
import { EXIT } from "../exit_codes.ts";
import type { Invocation } from "../invocation.ts";
import { yamlText } from "../output/envelope.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

/** By it a token that got into a file or a message is known for what it is. */
const PREFIX = "draas_";
const DAY_MS = 86_400_000;

interface TokenOptions {
  name: string;
  role: Role;
  expires?: string;
  note?: string;
}

/** Adds the command to the program. */
export function addTokenCommand({ program, host, run }: CommandMaker): void {
  addExamples(
    program.command("token").summary("make a token for a control plane's tokens file")
      .description(
        "Makes a token. Its entry for the tokens file is the data; the token itself is told beside it, once: " +
          "the entry has its digest alone. No control plane is asked.",
      )
      .addArgument(new Argument("<action>", "what to do").choices(["new"]))
      .addOption(
        new Option("--name <name>", "who has it, as the log tells it").argParser(checkedName)
          .makeOptionMandatory(),
      )
      .addOption(
        new Option("--role <role>", "what its holder may do").choices(ROLES).makeOptionMandatory(),
      )
      .addOption(
        new Option("--expires <when>", "a date, as in 2031-01-31, or in how many days, as in 90d")
          .argParser((text) => expiryOf(text, host.clock.now())),
      )
      .option("--note <text>", "for whoever reads the file")
      .action((_action: string, options: TokenOptions, command: Command) =>
        run((invocation) => newToken(invocation, options), command)
      ),
    "draas token new --name ci --role operator >> tokens.yaml",
    "draas token new --name ann --role admin --expires 90d -o json",
  );
}

async function newToken({ host, printer }: Invocation, options: TokenOptions): Promise<number> {
  const token = PREFIX + host.newSecret();
  const { name, role, expires, note } = options;
  const entry = {
    name,
    role,
    sha256: tokenDigest(token),
    ...(expires === undefined ? {} : { expires }),
    ...(note === undefined ? {} : { note }),
  };
  if (printer.isStructured) {
    printer.list({ kind: "Token", rows: [{ token, entry }], columns: [], name: () => name });
    return EXIT.done;
  }
  printer.data(yamlText([entry]));
  printer.say(`The token of ${name} (${role}), told this once:\n\n  ${token}\n`);
  return EXIT.done;
}

function checkedName(text: string): string {
  return accepted(tokenNameSchema, text);
}

/** As the file has it. */
function expiryOf(text: string, now: number): string {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined) return new Date(now + Number(days) * DAY_MS).toISOString();
  accepted(tokenExpirySchema, text);
  return text;
}

function accepted<T>(schema: z.ZodType<T>, text: string): T {
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw new InvalidArgumentError(`It ${result.error.issues[0]?.message}.`);
}
