/** Completion: what the shells are told where a user presses Tab, and that bash does with it what it should. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { SCRIPTS } from "../../cli/completion/scripts.ts";
import { testWith } from "../support/tools.ts";
import { type Draas, refusedConnection, withCli } from "./support/cli_world.ts";

/** What completes `draas <words>`; the last word is what was typed of it. */
async function completed(draas: Draas, words: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await draas(["__complete", "--", ...words]);
  assertEquals([code, stderr], [0, ""]);
  return stdout.split("\n").filter((line) => line !== "");
}

Deno.test("commands and flags are those that there are, and no hidden ones", () =>
  withCli(async ({ draas }) => {
    assertEquals(await completed(draas, ["st"]), ["start", "stop"]);
    const all = await completed(draas, [""]);
    assertEquals([all.includes("list"), all.includes("__complete")], [true, false]);
    assertEquals(await completed(draas, ["start", "--t"]), ["--timeout"]);
    assertEquals(await completed(draas, ["start", "web", "--no"]), ["--no-wait"]);
  }));

Deno.test("values that a flag can have are told after it, and none where it can be anything", () =>
  withCli(async ({ draas }) => {
    assertEquals(await completed(draas, ["list", "-o", "j"]), ["json"]);
    assertEquals(await completed(draas, ["move", "web", "--platform", "d"]), ["docker"]);
    assertEquals(await completed(draas, ["start", "--timeout", ""]), []);
    assertEquals(await completed(draas, ["completion", ""]), ["bash", "fish", "zsh"]);
  }));

Deno.test("instances are told by name, by id where a name is not one word or not unique, each once", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web" });
    await create({ name: "cache" });
    const twins = [await create({ name: "twin" }), await create({ name: "twin" })];
    const spaced = await create({ name: "two words" });
    assertEquals(
      await completed(draas, ["start", ""]),
      ["web", "cache", ...twins, spaced].sort(),
    );
    assertEquals(await completed(draas, ["-o", "json", "get", "w"]), ["web"]);
    assertEquals((await completed(draas, ["start", "web", ""])).includes("web"), false);
  }));

Deno.test("workers are told where workers are meant", () =>
  withCli(async ({ draas, startWorker }) => {
    await startWorker();
    assertEquals(await completed(draas, ["drain", ""]), ["worker-1"]);
  }));

Deno.test("where no control plane answers there is nothing to complete with, and nothing is said", () =>
  withCli(async ({ draas }) => {
    const fetch = () => {
      throw refusedConnection();
    };
    const { code, stdout, stderr } = await draas(["__complete", "--", "start", ""], { fetch });
    assertEquals([code, stdout, stderr], [0, "", ""]);
  }));

Deno.test("each shell has its script, and others are refused", () =>
  withCli(async ({ draas }) => {
    for (const [shell, script] of Object.entries(SCRIPTS)) {
      assertEquals((await draas(`completion ${shell}`)).stdout, script);
      assertStringIncludes(script, "draas __complete -- ");
    }
    assertEquals((await draas("completion tcsh")).code, 2);
  }));

testWith(
  ["bash"],
  "bash completes by what draas tells, also the word that is not begun yet",
  async () => {
    // Stands for draas: tells the words that it was asked with.
    const program = `draas() { shift 2; printf '<%s>' "$@"; }
${SCRIPTS.bash}
COMP_WORDS=(draas start we); COMP_CWORD=2; _draas; printf '%s\\n' "\${COMPREPLY[@]}"
COMP_WORDS=(draas start ''); COMP_CWORD=2; _draas; printf '%s\\n' "\${COMPREPLY[@]}"
COMP_WORDS=(draas st web); COMP_CWORD=1; _draas; printf '%s\\n' "\${COMPREPLY[@]}"
complete -p draas`;
    const { stdout } = await new Deno.Command("bash", { args: ["--norc", "-c", program] }).output();
    assertEquals(new TextDecoder().decode(stdout).trimEnd().split("\n"), [
      "<start><we>",
      "<start><>",
      "<st>",
      "complete -o default -F _draas draas",
    ]);
  },
);

Deno.test("commands within commands and the names of contexts are told, too", () =>
  withCli(async ({ draas }) => {
    const text = "contexts: {prod: {url: http://a}, test: {url: http://b}}";
    const told = async (...words: string[]) => {
      const { stdout } = await draas(["__complete", "--", ...words], { contexts: { text } });
      return stdout.split("\n").filter((line) => line !== "");
    };
    assertEquals(await told("context", "u"), ["use"]);
    assertEquals(await told("context", "use", ""), ["prod", "test"]);
    assertEquals(await told("list", "--context", "p"), ["prod"]);
    assertEquals(await told("context", "add", "x", "http://x", "--token-s"), ["--token-stdin"]);
  }));
