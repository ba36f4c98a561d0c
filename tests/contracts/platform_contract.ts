/** What every platform has to hold, told as tests; each platform's own test runs it with its factory. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { JsonObject } from "../../events/json.ts";
import type { Template } from "../../events/configuration.ts";
import { NO_FENCE, type Platform } from "../../workers/platform.ts";
import { serverContract } from "./platform_server_contract.ts";
import { codeOf, exitsOf, running, specsOf, unaborted, until } from "./platform_starts.ts";

/** What the suite asks of a platform's test. */
export interface PlatformContract {
  template: Template;
  /** A server that runs until it is stopped, and prints `hello` first. */
  steady: JsonObject;
  /** A server that exits with `code` by itself, well after it counts as started. */
  exitsWith(code: number): JsonObject;
  /** A server that exits with `code` at once. */
  exitsAtOnceWith(code: number): JsonObject;
  /** A server that never gets ready. */
  neverReady: JsonObject;
  /** A configuration with two faults. */
  invalid: JsonObject;
  /** A server that runs a line of shell. */
  shell(script: string, more?: JsonObject): JsonObject;
  /** What of a configuration asks for a port. */
  withPort: JsonObject;
  /** Whether its runtime tells what runs use. */
  hasMetrics: boolean;
}

/** What else a test can do with its site. */
export interface SiteTools {
  /** Puts a secret among those of the worker's host. */
  keepSecret(name: string, value: string): Promise<void>;
}

/** What a test does on an empty site, which another worker can open too. */
export type SiteTest = (
  platform: Platform,
  reopen: Reopen,
  tools: SiteTools,
) => Promise<void>;

/** Registers the suite's tests, whose names begin with `name`, by `register`. */
export function platformContract(
  name: string,
  contract: PlatformContract,
  register: (name: string, run: SiteTest) => void,
): void {
  const test = (sentence: string, run: SiteTest) => register(`${name}: ${sentence}`, run);
  const spec = specsOf(contract);

  test("an instance that never ran is not there, and stopping it is a success", async (platform) => {
    assertEquals(await platform.inspect("contract-1"), null);
    assertEquals(await platform.inventory(), []);
    assertEquals(await platform.stop("contract-1", NO_FENCE), {
      kind: "stopped",
      runtimeInfo: null,
    });
    assertEquals(await platform.remove("contract-1", NO_FENCE), {
      kind: "stopped",
      runtimeInfo: null,
    });
  });

  test("a started server runs, is inspected and listed as it was reported", async (platform) => {
    const wanted = spec(contract.steady, { fence: { generation: 7, attempt: 1 } });
    const info = running(await platform.start(wanted, unaborted()));
    assertEquals(info.status, "Running");
    assertEquals(info.instanceId, "contract-1");
    assertEquals(info.runId, wanted.runId);
    assertEquals(info.generation, 7);
    assertEquals(info.site, platform.site);
    assertEquals(await platform.inspect("contract-1"), info);
    assertEquals(await platform.inventory(), [info]);
  });

  test("a stop ends the run, says how, and can be repeated", async (platform) => {
    const info = running(await platform.start(spec(contract.steady), unaborted()));
    const stopped = await platform.stop("contract-1", NO_FENCE);
    assertEquals(stopped.kind, "stopped");
    assertEquals(stopped.runtimeInfo?.status, "Stopped");
    assertEquals(stopped.runtimeInfo?.runId, info.runId);
    assertEquals(stopped.runtimeInfo?.exit?.reason, "Stopped");
    assert((stopped.runtimeInfo?.stoppedAt ?? 0) >= info.startedAt, "it ends after it started");
    assertEquals(await platform.stop("contract-1", NO_FENCE), stopped);
    assertEquals(await platform.inspect("contract-1"), stopped.runtimeInfo);
  });

  test("a removed instance is gone", async (platform) => {
    await platform.start(spec(contract.steady), unaborted());
    assertEquals((await platform.remove("contract-1", NO_FENCE)).kind, "stopped");
    assertEquals(await platform.inspect("contract-1"), null);
    assertEquals(await platform.inventory(), []);
    assertEquals(await platform.logs("contract-1", 10), []);
  });

  test("a second start of a live instance is refused and leaves the first alone", async (platform) => {
    const info = running(await platform.start(spec(contract.steady), unaborted()));
    const second = await platform.start(
      spec(contract.steady, { fence: { generation: 2, attempt: 1 } }),
      unaborted(),
    );
    assertEquals(codeOf(second), "locked");
    assertEquals(await platform.inspect("contract-1"), info);
  });

  test("a stopped instance starts again as another run", async (platform) => {
    const first = running(await platform.start(spec(contract.steady), unaborted()));
    await platform.stop("contract-1", NO_FENCE);
    const again = spec(contract.steady, { fence: { generation: 2, attempt: 1 } });
    const second = running(await platform.start(again, unaborted()));
    assertNotEquals(second.runId, first.runId);
    assertEquals((await platform.inventory()).map((info) => info.runId), [again.runId]);
  });

  test("a fence keeps every start below it from coming to life, in its generation and in its attempt", async (platform) => {
    await platform.start(
      spec(contract.steady, { fence: { generation: 5, attempt: 1 } }),
      unaborted(),
    );
    await platform.stop("contract-1", { generation: 6, attempt: 1 });
    assertEquals(
      (await platform.fence("contract-1", { generation: 6, attempt: 3 }))?.status,
      "Stopped",
    );
    for (const fence of [{ generation: 5, attempt: 9 }, { generation: 6, attempt: 2 }]) {
      const outcome = await platform.start(spec(contract.steady, { fence }), unaborted());
      assertEquals(codeOf(outcome), "stale_generation");
    }
    running(
      await platform.start(
        spec(contract.steady, { fence: { generation: 6, attempt: 3 } }),
        unaborted(),
      ),
    );
  });

  test("a fence leaves a live run as it is and says what it is", async (platform) => {
    const info = running(await platform.start(spec(contract.steady), unaborted()));
    assertEquals(await platform.fence("contract-1", { generation: 9, attempt: 1 }), info);
    assertEquals(await platform.inspect("contract-1"), info);
  });

  test("a lower fence, and the fence of an instance that was never here, change nothing", async (platform) => {
    assertEquals(await platform.fence("contract-1", { generation: 9, attempt: 1 }), null);
    running(await platform.start(spec(contract.steady), unaborted()));
    await platform.stop("contract-1", { generation: 4, attempt: 1 });
    await platform.fence("contract-1", { generation: 2, attempt: 7 });
    const outcome = await platform.start(
      spec(contract.steady, { fence: { generation: 3, attempt: 1 } }),
      unaborted(),
    );
    assertEquals(codeOf(outcome), "stale_generation");
  });

  test("a generation below the highest one is refused", async (platform) => {
    await platform.start(
      spec(contract.steady, { fence: { generation: 5, attempt: 1 } }),
      unaborted(),
    );
    await platform.stop("contract-1", NO_FENCE);
    const outcome = await platform.start(
      spec(contract.steady, { fence: { generation: 4, attempt: 1 } }),
      unaborted(),
    );
    assertEquals(codeOf(outcome), "stale_generation");
    assertEquals((await platform.inspect("contract-1"))?.status, "Stopped");
  });

  test("an exit that nobody asked for is reported once, with its code", async (platform) => {
    const exits = exitsOf(platform);
    const info = running(await platform.start(spec(contract.exitsWith(3)), unaborted()));
    await until("the exit is reported", () => exits.length > 0);
    assertEquals(exits[0]?.runId, info.runId);
    assertEquals(exits[0]?.exit?.code, 3);
    assertEquals(exits[0]?.exit?.reason, "Exited");
    assertEquals(await platform.inspect("contract-1"), exits[0] ?? null);
    assertEquals((await platform.stop("contract-1", NO_FENCE)).kind, "stopped");
    assertEquals(exits.length, 1);
  });

  test("a stop is not reported as an exit", async (platform) => {
    const exits = exitsOf(platform);
    await platform.start(spec(contract.steady), unaborted());
    await platform.stop("contract-1", NO_FENCE);
    await platform.remove("contract-1", NO_FENCE);
    assertEquals(exits, []);
  });

  test("a server that exits at once is a failed start with its exit", async (platform) => {
    const exits = exitsOf(platform);
    const outcome = await platform.start(spec(contract.exitsAtOnceWith(4)), unaborted());
    assertEquals(codeOf(outcome), "exited_at_once");
    assertEquals(outcome.runtimeInfo?.exit?.code, 4);
    assertEquals(exits, []);
  });

  test("a server that does not get ready is ended", async (platform) => {
    const outcome = await platform.start(spec(contract.neverReady), unaborted());
    assertEquals(codeOf(outcome), "not_ready");
    assertEquals(outcome.runtimeInfo?.status, "Stopped");
    assertEquals((await platform.inspect("contract-1"))?.status, "Stopped");
  });

  test("an aborted start leaves nothing running", async (platform) => {
    const abort = new AbortController();
    const starting = platform.start(spec(contract.neverReady), abort.signal);
    await until("it is spawned", async () => await platform.inspect("contract-1") !== null);
    abort.abort();
    assertEquals(codeOf(await starting), "aborted");
    assertEquals((await platform.inspect("contract-1"))?.status, "Stopped");
  });

  test("an invalid configuration is refused with every fault", async (platform) => {
    const outcome = await platform.start(spec(contract.invalid), unaborted());
    assert(outcome.kind === "failed", "it is refused");
    assertEquals(outcome.failure.code, "configuration_invalid");
    assertEquals(outcome.failure.retryable, false);
    assert(outcome.failure.message.startsWith("Configuration is invalid: "), "in the known words");
    assertEquals(outcome.failure.message.split("; ").length, 2, outcome.failure.message);
    assertEquals(await platform.inspect("contract-1"), null);
  });

  test("another worker on the site adopts what runs, and can stop it", async (platform, reopen) => {
    const info = running(await platform.start(spec(contract.steady), unaborted()));
    await platform.close();
    const next = await reopen();
    assertEquals(next.site, platform.site);
    assertEquals(await next.inventory(), [info]);
    assertEquals((await next.stop("contract-1", NO_FENCE)).runtimeInfo?.exit?.reason, "Stopped");
  });

  test("the exit of an adopted run is reported", async (platform, reopen) => {
    const info = running(await platform.start(spec(contract.exitsWith(5)), unaborted()));
    await platform.close();
    const next = await reopen();
    const exits = exitsOf(next);
    const [found] = await next.inventory();
    assertEquals(found?.runId, info.runId);
    // It may have ended before the inventory looked: then that is where it is told.
    await until("it ends", () => found?.status === "Stopped" || exits.length > 0);
    assertEquals((exits[0] ?? found)?.exit?.code, 5);
  });

  test("the last lines of the output can be read", async (platform) => {
    await platform.start(spec(contract.steady), unaborted());
    await until("it has spoken", async () => (await platform.logs("contract-1", 10)).length > 0);
    assertEquals(await platform.logs("contract-1", 10), ["hello"]);
    assertEquals(await platform.logs("contract-1", 0), []);
  });

  test("the output is read by its lines with their streams, and goes on after a place", async (platform) => {
    assertEquals((await platform.readLogs("contract-1", { tail: 5 })).lines, []);
    await platform.start(spec(contract.steady), unaborted());
    await until("it has spoken", async () => (await platform.logs("contract-1", 10)).length > 0);
    const { lines, cursor } = await platform.readLogs("contract-1", {});
    const spoken = lines.filter(({ stream }) => stream !== "marker");
    assertEquals(spoken.map(({ stream, text }) => [stream, text]), [["stdout", "hello"]]);
    if (cursor === null) return;
    const rest = await platform.readLogs("contract-1", { cursor, waitMs: 50 });
    assertEquals([rest.lines, rest.hasMore], [[], false]);
  });

  serverContract(contract, test);
}

type Reopen = () => Promise<Platform>;
