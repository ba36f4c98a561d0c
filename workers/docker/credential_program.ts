/** Asks a credential helper of Docker's client: `docker-credential-NAME get`, a registry in, a user and a secret out. */
import type { Clock } from "../../events/clock.ts";
import { durationText } from "../exit_description.ts";
import { withLimit } from "../network_probe.ts";
import { endTool, lastLineOf, printedText, toolProblem } from "./host_tool.ts";
import { parseHelperAnswer } from "./registry_credentials.ts";
import type { AskHelper, HelperAnswer } from "./registry_logins.ts";

const ANSWER_WITHIN_MS = 10_000;
const ANSWER_CHARACTERS_MAX = 65_536;
const WORDS_CHARACTERS_MAX = 200;
/** What names a program may have: nothing that leads to another folder. */
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
/** As Docker's own library has it. */
const NOT_FOUND = /credentials not found/i;

/** @param environment of the helpers: many find their own login there */
export function helperAsker(
  clock: Clock,
  environment: Readonly<Record<string, string>>,
): AskHelper {
  return async (helper, server, signal) => {
    if (!NAME.test(helper)) {
      return failed(`${JSON.stringify(helper.slice(0, 64))} is not a credential helper's name`);
    }
    const program = `docker-credential-${helper}`;
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(program, {
        args: ["get"],
        clearEnv: true,
        env: { ...environment },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      return failed(toolProblem(program, error));
    }
    return await withLimit(clock, ANSWER_WITHIN_MS, signal, async (limit) => {
      const late = Promise.withResolvers<HelperAnswer>();
      const end = () => {
        endTool(child, "SIGKILL");
        // What it has started may hold its output open for longer.
        child.unref();
        late.resolve(failed(
          signal.aborted
            ? `${program} was broken off`
            : `${program} gave no answer within ${durationText(ANSWER_WITHIN_MS)}`,
        ));
      };
      limit.addEventListener("abort", end, { once: true });
      if (limit.aborted) end();
      return await Promise.race([answerOf(child, program, server), late.promise]);
    });
  };
}

async function answerOf(
  child: Deno.ChildProcess,
  program: string,
  server: string,
): Promise<HelperAnswer> {
  const [{ success, code }, printed, said] = await Promise.all([
    child.status,
    printedText(child.stdout, ANSWER_CHARACTERS_MAX),
    printedText(child.stderr, ANSWER_CHARACTERS_MAX),
    tell(child.stdin, server),
  ]);
  if (success) {
    const credentials = parseHelperAnswer(printed, server);
    // Its own words may be a secret.
    return credentials
      ? { kind: "found", credentials }
      : failed(`${program} answered with something else than credentials`);
  }
  if (NOT_FOUND.test(printed) || NOT_FOUND.test(said)) return { kind: "none" };
  const words = lastLineOf(printed) || lastLineOf(said) || `it ended with ${code}`;
  return failed(`${program} failed: ${words.slice(0, WORDS_CHARACTERS_MAX)}`);
}

async function tell(stdin: WritableStream<Uint8Array>, server: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(`${server}\n`));
    await writer.close();
  } catch {
    // It does not listen: what it answers, and its end, say why.
  }
}

function failed(problem: string): HelperAnswer {
  return { kind: "failed", problem };
}
