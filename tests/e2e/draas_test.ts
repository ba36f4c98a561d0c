/** `deno task draas` as its users call it, against a control plane that was started: streams, exit codes, Ctrl-C. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ProgramWorld, withProgram } from "./support/control_plane.ts";
import { type ProgramEnd, ProgramLife } from "./support/program_life.ts";

interface CommandLine {
  /** Runs `draas` to its end. */
  draas(...args: string[]): Promise<ProgramEnd>;
  /** Begins one that does not end by itself. */
  begin(...args: string[]): ProgramLife;
  world: ProgramWorld;
}

function withDraas(test: (given: CommandLine) => Promise<void>): Promise<void> {
  return withProgram(async (world) => {
    const plane = await world.start();
    const environment = { DRAAS_URL: await plane.ready() };
    const begin = (...args: string[]) => new ProgramLife("draas", args, environment);
    await test({ world, begin, draas: (...args) => begin(...args).ended });
  });
}

Deno.test("a program is created, started, read, listed, stopped and deleted by the command line", () =>
  withDraas(async ({ draas, world }) => {
    const program = ["sh", "-c", "echo hello; exec sleep 1000"];
    const file = `${world.folder}/greeter.yaml`;
    await Deno.writeTextFile(file, "description: says hello\nlabels: {env: test}\n");
    const created = await draas("create", "greeter", "-f", file, "-o", "name", "--", ...program);
    assertEquals([created.code, created.stderr], [0, ""]);
    const id = created.stdout.trim();

    const started = await draas("start", "greeter");
    assertEquals([started.code, started.stderr], [0, ""]);
    assertMatch(started.stdout, new RegExp(`^greeter \\(${id.slice(0, 8)}\\) started: pid \\d+`));
    assertEquals(world.servers().length, 1);

    const listed = await draas("list", "-o", "json");
    const { apiVersion, kind, items: [item] } = JSON.parse(listed.stdout);
    assertEquals([apiVersion, kind], ["draas/v1", "InstanceList"]);
    assertEquals([item.id, item.status, item.labels], [id, "Running", { env: "test" }]);
    assert(!listed.stdout.includes("\u001b"), "no colours without a terminal");

    const logs = await draas("logs", "greeter");
    assertEquals([logs.code, logs.stdout], [0, "hello\n"]);

    const deleted = await draas("delete", "greeter");
    assertEquals([deleted.code, deleted.stdout], [2, ""], "it is not done without --yes");
    assertEquals((await draas("stop", id)).code, 0);
    assertEquals((await draas("delete", id, "--yes")).code, 0);
    assertEquals(world.servers(), []);
    assertEquals((await draas("get", id)).code, 3);
  }));

Deno.test("Ctrl-C ends following and nothing else, with exit code 0", () =>
  withDraas(async ({ draas, begin }) => {
    const program = ["sh", "-c", "while :; do echo tick; sleep 0.2; done"];
    await draas("create", "ticker", "--", ...program);
    await draas("start", "ticker");
    const logs = begin("logs", "-f", "ticker");
    const events = begin("events", "-f", "--after", "0-0");
    await logs.hears(/tick\n/);
    await events.hears(/CommandSucceeded/);
    for (const life of [logs, events]) {
      const { code, signal, stderr } = await life.end("SIGINT");
      assertEquals([code, signal], [0, null]);
      assert(!stderr.includes("error"), stderr);
    }
    const { stdout } = await draas("list", "--status", "Running", "--json");
    assertEquals(JSON.parse(stdout).items.length, 1, "the server runs on");
    assertEquals((await draas("stop", "ticker")).code, 0);
  }));

Deno.test("a context is kept for its owner alone, and its fleet is explained, waited for and rolled back", () =>
  withProgram(async (world) => {
    const url = await (await world.start()).ready();
    const draas = (...args: string[]) =>
      new ProgramLife("draas", args, { HOME: world.folder }).ended;
    const added = await draas("context", "add", "here", url);
    assertEquals([added.code, added.stdout], [0, ""], added.stderr);
    const file = `${world.folder}/.config/draas/contexts.yaml`;
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);

    await draas("create", "web", "--", "sleep", "1000");
    const waiting = draas("wait", "web", "--context", "here");
    assertEquals((await draas("start", "web", "--no-wait")).code, 0);
    const waited = await waiting;
    assertEquals([waited.code, waited.stderr], [0, ""]);
    assertMatch(waited.stdout, /^web \(\w{8}\) is Running/);
    const why = await draas("why", "web");
    assertStringIncludes(why.stdout, "It is Running: an anonymous caller asked to start it");
    assertMatch((await draas("at", "web", "--version", "1")).stdout, /Status +Created/);
    const rolled = await draas("rollback", "web", "--to", "1", "-o", "json");
    assertEquals(JSON.parse(rolled.stdout).items[0].outcome, "unchanged");
    const [used] = JSON.parse((await draas("top", "web", "-o", "json")).stdout).items;
    assertEquals([used.name, used.status, used.restarts], ["web", "Running", 0]);
    const doctor = await draas("doctor");
    assertEquals([doctor.code, doctor.stderr], [0, ""], doctor.stdout);
    assertStringIncludes(doctor.stdout, `${url}, by context here`);
    assertEquals((await draas("tui")).code, 2, "it needs a terminal");
  }));

Deno.test("where nobody listens it ends with 6, misspelt with 2, and the data is empty", async () => {
  const address = { DRAAS_URL: "http://127.0.0.1:1", DRAAS_TOKEN: "a-token-nobody-must-see" };
  const away = await new ProgramLife("draas", ["list"], address).ended;
  assertEquals([away.code, away.stdout], [6, ""]);
  assertStringIncludes(away.stderr, "error: ");
  assert(!away.stderr.includes(address.DRAAS_TOKEN), away.stderr);
  const misspelt = await new ProgramLife("draas", ["lsit"], address).ended;
  assertEquals([misspelt.code, misspelt.stdout], [2, ""]);
  assertStringIncludes(misspelt.stderr, "Did you mean list?");
});
