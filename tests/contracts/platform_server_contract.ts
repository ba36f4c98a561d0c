/** What every platform has to hold of a server: what it finds, what is told of it, and how it is ended and found again. */
import { assert, assertEquals } from "@std/assert";
import type { Platform } from "../../workers/platform.ts";
import type { PlatformContract, SiteTest } from "./platform_contract.ts";
import { codeOf, exitsOf, running, specsOf, unaborted, untilSome } from "./platform_starts.ts";

/** Registers the tests by `test`. */
export function serverContract(
  contract: PlatformContract,
  test: (sentence: string, run: SiteTest) => void,
): void {
  const spec = specsOf(contract);
  const spoken = (platform: Platform) =>
    untilSome("it has spoken", async () => {
      const lines = await platform.logs("contract-1", 10);
      return lines.length > 0 ? lines : null;
    });

  test("a server finds its environment as it is written, and who it is", async (platform) => {
    const env = { PLAIN: "a $HOME $(HOME) $$ 'quoted' \"x\"" };
    const script = 'echo "$PLAIN|$DRAAS_INSTANCE_ID|$DRAAS_RUN_ID"; exec sleep 1000';
    const { runId } = running(
      await platform.start(spec(contract.shell(script, { env })), unaborted()),
    );
    assertEquals(await spoken(platform), [`${env.PLAIN}|contract-1|${runId}`]);
  });

  test(
    "a secret reaches the server, and is in nothing that is told of it",
    async (platform, reopen, tools) => {
      await tools.keepSecret("token", "hush-hush-hush");
      const env = { TOKEN: "<${secret:token}>" };
      const script = 'echo "got $TOKEN"; sleep 2; exit 3';
      const exits = exitsOf(platform);
      const info = running(
        await platform.start(spec(contract.shell(script, { env })), unaborted()),
      );
      assertEquals(await spoken(platform), ["got <(secret)>"]);
      const next = await reopen();
      assertEquals(await next.logs("contract-1", 10), ["got <(secret)>"], "also to another worker");
      const exit = await untilSome("it ends", () => exits[0] ?? null);
      assertEquals(exit.logTail, "got <(secret)>");
      for (const told of [info, exit]) assert(!JSON.stringify(told).includes("hush"));
    },
  );

  test("a secret that the host does not have refuses the start by its name", async (platform) => {
    const env = { TOKEN: "${secret:nowhere}" };
    const outcome = await platform.start(
      spec(contract.shell("exec sleep 1000", { env })),
      unaborted(),
    );
    assert(outcome.kind === "failed");
    assertEquals([outcome.failure.code, outcome.failure.retryable], ["secret_missing", false]);
    assert(outcome.failure.message.includes("nowhere"), outcome.failure.message);
    assertEquals(await platform.inspect("contract-1"), null);
  });

  test("a server counts as started once its line is there, and tells of its steps until then", async (platform) => {
    const steps: string[] = [];
    platform.onHealth(({ start }) => start && steps.push(start.step));
    const begin = performance.now();
    const readiness = { logLine: { contains: "ready now" }, withinMs: 20_000 };
    const script = "sleep 1; echo ready now; exec sleep 1000";
    running(await platform.start(spec(contract.shell(script, { readiness })), unaborted()));
    assert(performance.now() - begin >= 1_000, "not before its line");
    assertEquals(steps[0], "spawning");
    assertEquals(steps.at(-1), "waiting-for-readiness");
  });

  test("each limit holds the run, or is told with why it does not", async (platform) => {
    const limits = { memoryBytes: 64 * 2 ** 20, cpus: 0.5, processes: 50 };
    const info = running(await platform.start(spec(contract.steady, { limits }), unaborted()));
    for (const name of Object.keys(limits)) {
      const isHeld = info.limits?.[name as keyof typeof limits] !== undefined;
      assert(isHeld || info.limitsNotSet?.[name] !== undefined, `${name}: ${JSON.stringify(info)}`);
    }
    assertEquals(await platform.inspect("contract-1"), info);
  });

  test("where a server is reached is told", async (platform) => {
    const configuration = { ...contract.steady, ...contract.withPort };
    const info = running(await platform.start(spec(configuration), unaborted()));
    assert(info.host !== undefined && info.host !== "", JSON.stringify(info));
    assert(info.port !== undefined && info.port > 0 && info.port < 65_536);
  });

  test("every command can be repeated", async (platform) => {
    const wanted = spec(contract.steady, { fence: { generation: 3, attempt: 1 } });
    const info = running(await platform.start(wanted, unaborted()));
    assertEquals(codeOf(await platform.start(wanted, unaborted())), "locked");
    const fence = { generation: 4, attempt: 1 };
    for (const _ of [1, 2]) assertEquals(await platform.fence("contract-1", fence), info);
    const stopped = await platform.stop("contract-1", fence);
    assertEquals(await platform.stop("contract-1", fence), stopped);
    assertEquals((await platform.remove("contract-1", fence)).kind, "stopped");
    assertEquals((await platform.remove("contract-1", fence)).kind, "stopped");
    assertEquals(await platform.inspect("contract-1"), null);
  });

  test(
    "a run that was killed behind our back is told once by the worker that comes back",
    async (platform, reopen) => {
      const script = "sleep 1; kill -9 $$";
      const info = running(await platform.start(spec(contract.shell(script)), unaborted()));
      await platform.close();
      const next = await reopen();
      const exits = exitsOf(next);
      const ended = await untilSome("its end is known", async () => {
        const [found] = await next.inventory();
        return found?.status === "Stopped" ? found : exits[0] ?? null;
      });
      assertEquals([ended.runId, ended.exit?.signal], [info.runId, "SIGKILL"]);
      assert(exits.length <= 1);
    },
  );

  if (!contract.hasMetrics) return;
  test("what a run uses is told", async (platform) => {
    const { runId } = running(
      await platform.start(spec(contract.shell("while :; do :; done")), unaborted()),
    );
    const found = await untilSome("it was looked at", () => platform.metrics?.()?.[0] ?? null);
    assertEquals(found.runId, runId);
    assert(found.memoryBytes > 0, JSON.stringify(found));
  });
}
