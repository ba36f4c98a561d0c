/** Ports on a real host: picked from its range, kept over restarts, and their holders told by name. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { openPolicy } from "../../workers/policy/host_policy.ts";
import { failureOf, type ProcessWorld, started, startIt, withWorld } from "./process_world.ts";

/** A program that listens on its port until it is ended. */
const LISTENER = {
  command: [
    Deno.execPath(),
    "eval",
    "Deno.serve({ port: Number(Deno.env.get('PORT')), hostname: '127.0.0.1' }, () => new Response())",
  ],
  readiness: { http: { path: "/" } },
};

const fence = (generation: number) => ({ fence: { generation, attempt: 1 } });

Deno.test("without a port, or with port 0, a free one of the host's range is picked and told", () => {
  const ports = { from: 18_100, to: 18_199 };
  return withWorld(async ({ platform }) => {
    const first = await started(platform, LISTENER);
    const second = await started(platform, { ...LISTENER, port: 0 }, { instanceId: "i-2" });
    const third = await started(platform, { command: ["sleep", "9"], port: 0 }, {
      instanceId: "i-3",
    });
    const picked = [first, second, third].map(({ port }) => port ?? 0);
    assertEquals(new Set(picked).size, 3, `different ones: ${picked}`);
    for (const port of picked) assert(port >= ports.from && port <= ports.to, String(port));
  }, { policy: { ...openPolicy("worker.yaml"), ports } });
});

Deno.test("a picked port is kept over restarts of the server and of the worker while it is free", () =>
  withWorld(async ({ platform, reopen }) => {
    const { port } = await started(platform, LISTENER);
    await platform.stop("i-1", NO_FENCE);
    assertEquals((await started(platform, LISTENER, fence(2))).port, port);
    await platform.stop("i-1", NO_FENCE);
    await platform.close();
    const later = await reopen();
    assertEquals((await started(later, LISTENER, fence(3))).port, port);
    await later.stop("i-1", NO_FENCE);
    const stranger = Deno.listen({ hostname: "127.0.0.1", port: port! });
    const moved = await started(later, LISTENER, fence(4)).finally(() => stranger.close());
    assert(moved.port !== port, "another one while a stranger has it");
  }));

Deno.test("a port stays with an instance that is stopped, also for a later worker, until it is removed", () => {
  const ports = { from: 18_200, to: 18_207 };
  const sleeper = { command: ["sleep", "9"], port: 0 };
  return withWorld(async ({ platform, reopen }) => {
    const { port } = await started(platform, sleeper);
    await platform.stop("i-1", NO_FENCE);
    await platform.close();
    const later = await reopen();
    await later.inventory();
    const others = ["a", "b", "c", "d", "e", "f", "g"];
    const picked = await Promise.all(
      others.map(async (id) => (await started(later, sleeper, { instanceId: id })).port),
    );
    assertEquals(new Set([...picked, port]).size, 8, "seven got the seven other ones");
    await later.remove("i-1", NO_FENCE);
    for (const id of others) await later.stop(id, NO_FENCE);
    const last = await started(later, sleeper, { instanceId: "i-2" });
    assertEquals(last.port, port, "what was removed keeps none");
  }, { policy: { ...openPolicy("worker.yaml"), ports } });
});

/** What a start that wants `port` is told. */
async function conflict({ platform }: ProcessWorld, port: number | undefined): Promise<string> {
  const outcome = await startIt(platform, { ...LISTENER, port: port ?? 0 }, { instanceId: "i-2" });
  const { failure } = failureOf(outcome);
  assertEquals([failure.code, failure.retryable], ["port_in_use", true]);
  assertEquals(await platform.inspect("i-2"), null, "nothing was spawned");
  return failure.message;
}

Deno.test("a port that another instance has is refused with its id and process, also before it listens", () =>
  withWorld(async (world) => {
    const holder = await started(world.platform, LISTENER);
    const told = `Port ${holder.port} on 127.0.0.1 is in use by instance i-1 ` +
      `(process ${holder.processId}). Stop that one, or choose another port.`;
    assertEquals(await conflict(world, holder.port), told);
    await world.platform.stop("i-1", NO_FENCE);
    const slow = await started(
      world.platform,
      { command: ["sleep", "9"], port: holder.port! },
      fence(2),
    );
    assertStringIncludes(
      await conflict(world, holder.port),
      `instance i-1 (process ${slow.processId})`,
    );
  }));

Deno.test("an instance of another worker on the host, and a program of nobody's, are named too", () =>
  withWorld((other) =>
    withWorld(async (world) => {
      const holder = await started(other.platform, LISTENER, { instanceId: "theirs" });
      assertStringIncludes(
        await conflict(world, holder.port),
        `instance theirs (process ${holder.processId})`,
      );
      using stranger = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      assertStringIncludes(
        await conflict(world, stranger.addr.port),
        `is in use by process ${Deno.pid} (`,
      );
    })
  ));

Deno.test("the port of a server that lives stays its own, whoever had it before", () =>
  withWorld(async ({ platform }) => {
    const sleeper = { command: ["sleep", "99"], port: 18_301 };
    await started(platform, sleeper);
    await platform.stop("i-1", NO_FENCE);
    await started(platform, sleeper, { instanceId: "i-2" });
    await platform.inspect("i-1");
    const { failure } = failureOf(await startIt(platform, sleeper, { instanceId: "i-3" }));
    assertEquals(failure.code, "port_in_use");
    assertStringIncludes(failure.message, "instance i-2");
  }));
