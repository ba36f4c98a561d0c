/** `draas doctor`: what is wrong between here and the fleet, and what to do about each. */
import type { Command } from "commander";
import { printable } from "../../tui/terminal_text.ts";
import type { Check } from "../doctor/checks.ts";
import { examine } from "../doctor/examine.ts";
import { EXIT, exitCodeOf } from "../exit_codes.ts";
import type { Invocation } from "../invocation.ts";
import type { Colour, Paint } from "../output/paint.ts";
import { addExamples, type CommandMaker } from "./shared_options.ts";

const COLOURS: Readonly<Record<Check["result"], Colour>> = {
  ok: "green",
  warning: "yellow",
  failed: "red",
};
const RESULT_COLUMNS = 7;
const CHECK_COLUMNS = 9;

/** Adds the command to the program. */
export function addDoctorCommand({ program, run }: CommandMaker): void {
  addExamples(
    program.command("doctor").summary("look for what is wrong, and say what to do")
      .description(
        "Looks for what is wrong between here and the fleet: address, token, releases, clocks, the control plane, its events, " +
          "workers and instances; and says of each what to do. Nothing is changed. 1 where something has failed.",
      )
      .action((_options: unknown, command: Command) => run(doctor, command)),
    "draas doctor",
    "draas doctor --context prod -o json",
  );
}

async function doctor(invocation: Invocation): Promise<number> {
  const { printer } = invocation;
  const { checks, unreached } = await printer.during(() => "Looking …", examine(invocation));
  if (printer.isStructured || printer.format === "name") {
    const name = ({ check }: Check) => check;
    printer.list({ kind: "Check", rows: checks, columns: [], name });
  } else printer.data(checks.map((one) => checkText(one, printer.paint)).join(""));
  if (unreached !== null) return exitCodeOf(unreached);
  return checks.some(({ result }) => result === "failed") ? EXIT.failed : EXIT.done;
}

function checkText({ check, result, detail, hint }: Check, paint: Paint): string {
  const word = paint(result.padEnd(RESULT_COLUMNS), COLOURS[result]);
  const line = `${word}  ${check.padEnd(CHECK_COLUMNS)}  ${printable(detail)}\n`;
  return hint === undefined ? line : `${line}${" ".repeat(11)}${printable(`hint: ${hint}`)}\n`;
}
