/** TLS to Redis: with the certificate of one's own authority the programs come in, without it they say why not. */
import { makeCertificates } from "../support/certificates.ts";
import { assertEquals, assertMatch } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";
import { commandInstance, ControlPlane, startInstance } from "./support/control_plane.ts";
import { ProgramLife } from "./support/program_life.ts";
import { freePort } from "./program.ts";
import { endProcessesOf } from "../support/marked_processes.ts";

const NODE = ["--port", "0"];

testWith(
  ["redis-server", "redis-cli", "openssl"],
  "a fleet lives on a Redis behind TLS whose authority it was told of",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "draas-tls-" });
    await makeCertificates(folder, ["redis"]);
    const port = freePort();
    const redis = await RedisServer.start({ config: tlsSettings(folder, port) });
    const REDIS_URL = `rediss://localhost:${port}`;
    const lives: ProgramLife[] = [];
    try {
      const trusting = { REDIS_URL, DENO_CERT: `${folder}/ca.pem` };
      const api = new ControlPlane(NODE, trusting, "serve");
      const worker = new ProgramLife("worker:process", ["--data-dir", `${folder}/w1`], trusting);
      lives.push(api, worker);
      await Promise.all([api.hears(/ready in/), worker.hears(/ready in/)]);
      await startInstance(api, commandInstance("one", ["sleep", "600"]));

      const doubting = new ControlPlane(NODE, { REDIS_URL }, "serve");
      lives.push(doubting);
      const { code, stderr } = await doubting.ended;
      assertEquals(code, 1);
      assertMatch(stderr, /refuses this program: .*certificate/);
    } finally {
      for (const life of lives) await life.end("SIGKILL");
      await endProcessesOf((await Deno.readTextFile(`${folder}/w1/process/site`)).trim());
      await redis.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
);

function tlsSettings(folder: string, port: number): string[] {
  return [
    `tls-port ${port}`,
    `tls-cert-file ${folder}/redis.pem`,
    `tls-key-file ${folder}/redis.key`,
    `tls-ca-cert-file ${folder}/ca.pem`,
    "tls-auth-clients no",
  ];
}
