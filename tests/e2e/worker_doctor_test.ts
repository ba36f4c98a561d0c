/** `worker:doctor` as it is run on a host: what it says, its exit codes, and that it changes nothing. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RedisServer, testWithRedis } from "../support/redis_server.ts";
import { type ProgramEnd, ProgramLife } from "./support/program_life.ts";

const BINARY = "#!/bin/sh\necho 'drasi-server 9.9.9'\n";

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-doctor-" });
  try {
    await Deno.writeTextFile(`${folder}/drasi-server`, BINARY, { mode: 0o700 });
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function examine(
  redis: RedisServer,
  folder: string,
  args: string[] = [],
  environment: Record<string, string> = {},
): Promise<ProgramEnd> {
  return new ProgramLife("worker:doctor", ["--data-dir", `${folder}/data`, ...args], {
    REDIS_URL: redis.url,
    DRASI_SERVER_BIN: `${folder}/drasi-server`,
    ...environment,
  }).ended;
}

testWithRedis(
  "a sound host is told so, line by line, with code 0, and nothing was made there",
  (redis) =>
    withFolder(async (folder) => {
      const { code, stdout, stderr } = await examine(redis, folder);
      assertEquals([code, stderr], [0, ""], stdout);
      for (const check of ["redis", "clock", "tools", "data folder", "disk", "ports"]) {
        assert(new RegExp(`^(ok|warn)  +${check} `, "m").test(stdout), `${check} in ${stdout}`);
      }
      assertStringIncludes(stdout, `9.9.9, ${folder}/drasi-server`);
      assert(!stdout.includes("\x1b"), "no colours where nobody looks");
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["drasi-server"]);
      assertEquals(await redis.cli("DBSIZE"), "0");
    }),
);

testWithRedis(
  "what is in the way is told with what to do, also as JSON, with code 1",
  (redis) =>
    withFolder(async (folder) => {
      await redis.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
      await Deno.writeTextFile(`${folder}/worker.yaml`, "templates: [shell]\nport: 1\n");
      await Deno.mkdir(`${folder}/data/secrets`, { recursive: true });
      await Deno.writeTextFile(`${folder}/data/secrets/key`, "hush\n", { mode: 0o644 });
      const args = ["--policy", `${folder}/worker.yaml`, "--json"];
      const { code, stdout } = await examine(redis, folder, args, {
        DRASI_SERVER_BIN: `${folder}/none`,
      });
      assertEquals(code, 1, stdout);
      const failed = JSON.parse(stdout).filter((one: { outcome: string }) =>
        one.outcome === "fail"
      );
      assertEquals(failed.map((one: { check: string }) => one.check), [
        "redis",
        "drasi-server",
        "secret",
        "allowed",
      ]);
      const told = JSON.stringify(failed);
      for (
        const words of ["Set maxmemory-policy to noeviction", "port: is not a rule", "chmod 600"]
      ) {
        assertStringIncludes(told, words);
      }
      assert(!stdout.includes("hush"), "no secret is shown");
    }),
);

testWithRedis(
  "a Redis that is away is told with where it was looked for",
  (redis) =>
    withFolder(async (folder) => {
      const { port } = redis;
      await redis.stop();
      const { code, stdout } = await examine(redis, folder);
      assertEquals(code, 1);
      assertStringIncludes(stdout, `Redis at 127.0.0.1:${port} cannot be reached`);
    }),
);
