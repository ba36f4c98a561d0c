/** While the terminal UI holds the terminal nobody else writes to it; a program that falls gives it back before it says why. */
import { assertEquals } from "@std/assert";
import { testWith } from "../support/tools.ts";

const PROGRAM = `
import { complainOfUse, endWithBugs, holdTerminal, plainVoice } from "${new URL(
  "../../programs/terminal.ts",
  import.meta.url,
)}";
const write = (text) => Deno.stderr.writeSync(new TextEncoder().encode(text + "\\n"));
endWithBugs(plainVoice);
const hear = (text) => write("HEARD " + text.replaceAll("\\n", "|"));
const release = holdTerminal({ giveBack: () => write("GIVEN BACK"), hear });
complainOfUse("Redis is away.", "It is asked again.");
write("STILL HELD");
`;
const HEARD = ["HEARD draas: Redis is away.|  It is asked again.|", "STILL HELD"];
const SAID = ["draas: Redis is away.", "  It is asked again."];

testWith(
  ["script"],
  "what is told meanwhile is heard at once, and said after the terminal is given back",
  async () => {
    const lines = await linesOf(`release(); complainOfUse("Later.");`);
    assertEquals(lines, [...HEARD, ...SAID, "draas: Later."]);
  },
);

testWith(["script"], "a fault that nobody catches gives the terminal back first", async () => {
  assertEquals(
    await linesOf(`Promise.reject(new Error("a fault")); await new Promise(() => {});`),
    [
      ...HEARD,
      "GIVEN BACK",
      ...SAID,
      "draas: A fault in DRaaS itself: a fault",
      "  Please report it, with what you did before.",
    ],
  );
});

testWith(
  ["script"],
  "a log that goes elsewhere than to the terminal is not kept back",
  async () => {
    const lines = await linesOf(`Deno.exit(0);`, "2>&1 | cat");
    assertEquals(lines, [
      "HEARD draas: Redis is away.|  It is asked again.|",
      ...SAID,
      "STILL HELD",
    ]);
  },
);

/** What a program that begins as above writes, on a terminal of its own (script(1)). */
async function linesOf(rest: string, redirection = ""): Promise<string[]> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, PROGRAM + rest);
    const command = `${Deno.execPath()} run --quiet --no-check -A --config deno.json ${file}`;
    const { stdout } = await new Deno.Command("script", {
      args: ["--quiet", "--return", "--command", `${command} ${redirection}`, "/dev/null"],
      cwd: new URL("../../", import.meta.url),
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stdout).trimEnd().split(/\r?\n/);
  } finally {
    await Deno.remove(file);
  }
}
