/** The units that operators copy: they run what the tasks run, with flags that exist, and leave servers alone. */
import { assertEquals } from "@std/assert";
import { parseSettings } from "../../config.ts";
import { type Command, COMMANDS } from "../../settings/settings.ts";

const FOLDER = new URL("../../deploy/systemd/", import.meta.url);
const ROOT = new URL("../../", import.meta.url);

/** The settings of a unit's `[Service]`, by name. */
function serviceOf(name: string): Map<string, string> {
  const text = Deno.readTextFileSync(new URL(name, FOLDER));
  const lines = text.split("\n").filter((line) => /^[A-Z]\w*=/.test(line));
  return new Map(lines.map((line) => {
    const cut = line.indexOf("=");
    return [line.slice(0, cut), line.slice(cut + 1)];
  }));
}

/** What a unit starts: the task that it is, and the arguments after it. */
function startOf(execStart: string): { command: Command; args: string[]; isTask: boolean } {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const words = execStart.split(" ").slice(1);
  const command = COMMANDS.find((one) => words.includes(one));
  if (command === undefined) throw new Error(`no command in ${execStart}`);
  const at = words.indexOf(command);
  const own = words.slice(0, at + 1).join(" ");
  const isTask = own === `task ${command}` || `deno ${own}` === tasks[command];
  return { command, args: words.slice(at + 1), isTask };
}

for (const name of ["draas-worker.service", "draas-serve.service"]) {
  Deno.test(`${name} starts a task as it is, with flags that it knows`, () => {
    const { command, args, isTask } = startOf(serviceOf(name).get("ExecStart") ?? "");
    assertEquals(isTask, true, "the command of deno.json, with its permissions");
    const environment = { REDIS_URL: "redis://r" };
    assertEquals(parseSettings(command, { args, environment, file: null }).ok, true);
  });
}

Deno.test("draas-worker.service can be restarted without its servers, and not in a circle", () => {
  const service = serviceOf("draas-worker.service");
  const wanted = {
    KillMode: "process",
    OOMPolicy: "continue",
    Delegate: "yes",
    DelegateSubgroup: "worker",
    RestartPreventExitStatus: "2 3",
  };
  const found = Object.keys(wanted).map((name) => [name, service.get(name)]);
  assertEquals(Object.fromEntries(found), wanted);
  const nameSpaces = [...service.keys()].filter((key) => /^(Private|Protect|ReadOnly)/.test(key));
  assertEquals(nameSpaces, [], "servers would be left in the name spaces of an earlier start");
});
