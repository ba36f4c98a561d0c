/** This release and the next on one Redis, each with a node and a worker as processes of their own, under load. */
import { assert, assertEquals } from "@std/assert";
import { commandInstance, ControlPlane } from "../e2e/support/control_plane.ts";
import { ProgramLife } from "../e2e/support/program_life.ts";
import { endProcessesOf } from "../support/marked_processes.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";
import { until } from "../wire/foreign_worker.ts";
import { nextRelease } from "./next_release.ts";

const INSTANCES = 12;

class TwoReleases {
  readonly lives: ProgramLife[] = [];
  private readonly workers: string[] = [];

  constructor(readonly redis: RedisServer, readonly next: string, readonly folder: string) {}

  /** A control plane of the release in `root`. */
  node(root?: string): ControlPlane {
    const settings = { REDIS_URL: this.redis.url };
    const life = new ControlPlane(["--port", "0"], settings, "serve", root);
    this.lives.push(life);
    return life;
  }

  async worker(name: string, root?: string): Promise<void> {
    const args = ["--data-dir", `${this.folder}/${name}`];
    const life = new ProgramLife("worker:process", args, { REDIS_URL: this.redis.url }, root);
    this.lives.push(life);
    this.workers.push(name);
    await life.hears(/^ {2}Found +\d+/m);
  }

  /** The schema numbers in which events of a type are in the log, in their order. */
  async schemasOf(type: string): Promise<string[]> {
    const text = await this.redis.cli("XRANGE", "{draas:default}:log", "-", "+");
    const lines = text.split("\n");
    return lines.flatMap((line, index) =>
      line === type && lines[index - 1] === "t" ? [lines[index + 2]!] : []
    );
  }

  async close(): Promise<void> {
    for (const life of this.lives) await life.end("SIGKILL");
    for (const name of this.workers) {
      await endProcessesOf(
        Deno.readTextFileSync(`${this.folder}/${name}/process/site`).trim(),
      );
    }
    await this.redis.close();
    await Deno.remove(this.folder, { recursive: true });
    await Deno.remove(this.next, { recursive: true });
  }
}

/** Creates, starts, restarts and stops one instance, each through the other node in turn; gives the statuses. */
async function wholeLife(nodes: readonly ControlPlane[], number: number): Promise<number[]> {
  let turn = number;
  const call = (line: string, body?: unknown) => nodes[turn++ % nodes.length]!.call(line, body);
  const created = await call(
    "POST /api/server/instances",
    commandInstance(`server-${number}`, ["sleep", "1000"]),
  );
  const statuses = [created.status];
  const at = `/api/server/instances/${created.json.id}`;
  for (const request of ["start", "restart", "stop", "start", "stop"]) {
    const { status, json } = await call(`POST ${at}/${request}`);
    statuses.push(status);
    if (status !== 200) throw new Error(`${request} of ${number}: ${JSON.stringify(json)}`);
  }
  return statuses;
}

testWith(
  ["redis-server", "redis-cli"],
  "two releases work side by side: no ask fails, and what is new is written once every node reads it",
  async () => {
    const redis = await RedisServer.start();
    const next = await nextRelease();
    const releases = new TwoReleases(redis, next, await Deno.makeTempDir({ prefix: "draas-two-" }));
    try {
      // As in an upgrade: what a node reads is known to those that begin after it, and to all others within seconds.
      const old = releases.node();
      await old.ready();
      const nodes = [old, releases.node(next)];
      await nodes[1]!.ready();
      await Promise.all([releases.worker("old"), releases.worker("new", next)]);
      const lives = await Promise.all(
        Array.from({ length: INSTANCES }, (_, number) => wholeLife(nodes, number)),
      );
      assertEquals(lives, lives.map(() => [201, 200, 200, 200, 200, 200]));
      assertEquals(await releases.schemasOf("StartRequested"), Array(2 * INSTANCES).fill("1"));
      const libraries = await redis.cli("FUNCTION", "LIST");
      assert(/draas_v1\n/.test(libraries) && /draas_v2\n/.test(libraries), libraries);
      const accepts = await releases.schemasOf("CommandAccepted");
      assertEquals(accepts.length, 5 * INSTANCES, "each command was accepted once");

      await nodes[0]!.end("SIGTERM");
      await until("an event in its new shape", async () => {
        await wholeLife(nodes.slice(1), INSTANCES);
        return (await releases.schemasOf("StartRequested")).at(-1) === "2";
      });
      const late = await releases.node().ended;
      assertEquals(late.code, 1);
      assert(/StartRequested \(schema 2\).*newer version/.test(late.stderr), late.stderr);
      assertEquals((await nodes[1]!.call("GET /readyz")).status, 200);
    } catch (error) {
      const said = releases.lives.map(({ output }) => output).join("\n---\n");
      throw new Error(`${(error as Error).message}\n\nThe programs said:\n${said}`, {
        cause: error,
      });
    } finally {
      await releases.close();
    }
  },
);
