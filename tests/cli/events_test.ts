/** `draas events`: the history of instances, and the fleet's log as it goes on. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { until } from "../http/support/until.ts";
import { brokenConnection, itemsOf, withCli } from "./support/cli_world.ts";

const typesIn = (text: string) =>
  text.trim().split("\n").filter((line) => line !== "").map((line) => line.split(/ +/)[1]);

Deno.test("the history of an instance is a line an event, oldest first, the last ones by --limit", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "web" });
    await draas("start web");
    const { code, stdout, stderr } = await draas("events web");
    assertEquals([code, stderr], [0, ""]);
    assertEquals(typesIn(stdout).slice(0, 2), ["InstanceCreated", "StartRequested"]);
    assertMatch(stdout, /^\d{4}-\d\d-\d\dT\S+Z {2}InstanceCreated +web \(\w{8}\) by anonymous\n/);
    assertEquals(typesIn((await draas("events web -n 1")).stdout).length, 1);
    const { kind } = JSON.parse((await draas("events web --json")).stdout);
    assertEquals(kind, "EventList");
  }));

Deno.test("the events of several are told in the order of the log", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "a" });
    await create({ name: "b" });
    await draas("start b");
    await draas("start a");
    const positions = itemsOf(await draas("events a b --json")).map(({ position }) => position);
    const inOrder = itemsOf(await draas("events b a --json")).map(({ position }) => position);
    assertEquals(positions, inOrder);
    const numbers = positions.map((one) => Number(one.split("-")[0]));
    assertEquals(numbers, [...numbers].sort((x, y) => x - y));
  }));

Deno.test("the fleet is followed from now on, or from any position, until Ctrl-C", () =>
  withCli(async ({ draas, begin, create }) => {
    await create({ name: "before" });
    const fromNow = begin("events -f -o json");
    const fromBegin = begin("events -f --after 0-0 -o json");
    await until("what was before is there", () => fromBegin.stdout.includes('"before"'));
    // Only once it is connected does "now" have a meaning.
    await until("both tell what comes", async () => {
      await draas("create after");
      return fromNow.stdout.includes('"after"') && fromBegin.stdout.includes('"after"');
    });
    fromNow.interrupt();
    fromBegin.interrupt();
    const ends = await Promise.all([fromNow.ended, fromBegin.ended]);
    assertEquals(ends.map(({ code }) => code), [0, 0]);
    assertEquals(ends[0]!.stdout.includes('"before"'), false);
    for (const line of ends[1]!.stdout.trim().split("\n")) {
      assertEquals(JSON.parse(line).kind, "Event");
    }
  }));

Deno.test("one instance is followed after its history: no event twice, none of others", () =>
  withCli(async ({ draas, begin, create, startWorker }) => {
    await startWorker();
    await create({ name: "web" });
    await create({ name: "other" });
    const run = begin("events web -f");
    await until("its history is there", () => run.stdout.includes("InstanceCreated"));
    await draas("start web other --parallel 1");
    await until("its start is there", () => run.stdout.includes("CommandSucceeded"));
    run.interrupt();
    const { code, stdout } = await run.ended;
    assertEquals([code, stdout.includes("other")], [0, false]);
    const whole = typesIn((await draas("events web")).stdout);
    assertEquals(typesIn(stdout), whole.slice(0, typesIn(stdout).length));
  }));

Deno.test("several are followed from where the first of them ended: what was told is not told again", () =>
  withCli(async ({ draas, begin, create }) => {
    await create({ name: "a" });
    await create({ name: "b" });
    const run = begin("events a b -f -o name");
    await until("both are there", () => run.stdout.split("\n").length === 3);
    await draas("start a --no-wait");
    await until("what comes is there", () => run.stdout.split("\n").length === 4);
    run.interrupt();
    const positions = (await run.ended).stdout.trim().split("\n");
    assertEquals(positions.length, new Set(positions).size);
  }));

Deno.test("a broken connection loses no event", () =>
  withCli(async ({ app, draas, begin }) => {
    let streams = 0;
    const fetch = async (request: Request) => {
      if (!request.url.includes("/api/events")) return await app.fetch(request);
      if (++streams === 2) throw brokenConnection();
      const response = await app.fetch(request);
      if (streams > 1) return response;
      // The first connection breaks after its first piece.
      const reader = response.body!.getReader();
      return new Response(
        new ReadableStream({
          pull: async (controller) => controller.enqueue((await reader.read()).value!),
        }).pipeThrough(
          new TransformStream({
            transform: (bytes, controller) => {
              controller.enqueue(bytes);
              controller.error(brokenConnection());
            },
          }),
        ),
      );
    };
    const run = begin("events -f --after 0-0 -o name", { fetch });
    for (const name of ["a", "b", "c"]) await draas(`create ${name}`);
    await until("all three are there", () => run.stdout.trim().split("\n").length === 3);
    run.interrupt();
    const { code, stdout, stderr } = await run.ended;
    assertEquals([code, new Set(stdout.trim().split("\n")).size], [0, 3]);
    assertStringIncludes(stderr, "Trying again …");
  }));

Deno.test("whose events are meant must be said, and a position is for the whole fleet", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web" });
    for (const line of ["events", "events -f --after soon", "events web -f --after 0-0"]) {
      assertEquals((await draas(line)).code, 2, line);
    }
  }));
