/** The log of the real programs where no terminal is: lines of JSON, by which one request is followed through them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort, runProgram, withDataDir } from "./program.ts";
import { commandInstance } from "./support/control_plane.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";
const CLOSE = { DRAAS_LOG_FORMAT: "auto", DRAAS_LOG_LEVEL: "debug" };

// deno-lint-ignore no-explicit-any -- lines have fields of every kind
function linesOf(stderr: string): any[] {
  return stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
}

testWithFleet(
  "every line is JSON, and one request is found by its trace in the logs of both programs",
  async (fleet) => {
    const node = await fleet.serve([], CLOSE);
    const worker = await fleet.worker("host", [], CLOSE);
    const { json: { id } } = await node.call(
      `POST ${INSTANCES}`,
      commandInstance("one", ["sleep", "1000"]),
    );
    const url = await node.ready();
    const answer = await fetch(`${url}${INSTANCES}/${id}/start`, {
      method: "POST",
      headers: { "x-request-id": "request-7" },
    });
    assertEquals(answer.status, 200, await answer.text());
    const said = [await node.end("SIGTERM"), await worker.end("SIGTERM")];
    const [ofNode, ofWorker] = said.map(({ stderr }) => linesOf(stderr));
    for (const { time, level, program, message } of [...ofNode!, ...ofWorker!]) {
      assertMatch(time, /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);
      assert(["debug", "info", "warn", "error"].includes(level), level);
      assert(["serve", "worker:process"].includes(program), program);
      assert(message.length > 0);
    }
    const traced = (lines: { traceId?: string }[]) =>
      lines.filter(({ traceId }) => traceId === "request-7");
    const [request] = traced(ofNode!);
    assertEquals(
      { ...request, time: 0, tookMs: 0, message: "" },
      {
        time: 0,
        level: "debug",
        program: "serve",
        message: "",
        traceId: "request-7",
        method: "POST",
        route: `${INSTANCES}/{id}/start`,
        status: 200,
        tookMs: 0,
      },
    );
    const [command] = traced(ofWorker!) as { instanceId?: string; message?: string }[];
    assertEquals(command?.instanceId, id);
    assertMatch(command?.message ?? "", /^StartInstanceCommand of .* done in /);
    assertMatch(ofNode!.at(0).message, /ready in/);
    assertMatch(ofWorker!.at(-1).message, /has ended/);
  },
);

Deno.test("why a program cannot go on is a line of its log; how it was called wrongly is not", async () => {
  await withDataDir(async (dataDir) => {
    const port = freePort();
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    const flags = ["--port", String(port)];
    const environment = { DRAAS_LOG_FORMAT: "json" };
    const { code, output } = await runProgram({ dataDir, flags, environment });
    listener.close();
    const [line] = linesOf(output);
    assertEquals([code, line.level, line.code], [1, "error", "port_in_use"]);
    const wrong = await runProgram({ dataDir, flags: ["--colour"], environment });
    assertEquals(wrong.code, 2);
    assertEquals(wrong.output, "draas: --colour: is not a flag; see --help\n");
  });
});
