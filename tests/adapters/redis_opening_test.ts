/** Opening a broker: what a Redis must be, what is said of one that is not, and that no message ever holds a secret. */
import { makeCertificates } from "../support/certificates.ts";
import { openRedisBroker } from "../../adapters/redis/redis_broker.ts";
import { hostIds } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { OperationalError } from "../../events/errors.ts";
import { RedisServer, testWithRedis } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";
import { assert, assertEquals } from "@std/assert";
import { brokerAt } from "./redis_fault_world.ts";

const SECRET = "pa55-that-nobody-may-see";

/** The failure of an opening; it has told no secret. */
async function refusal(url: string): Promise<OperationalError> {
  const outcome = await openRedisBroker({ url, namespace: "test", clock: hostClock, ids: hostIds })
    .then((broker) => broker.close(), (error) => error);
  if (!(outcome instanceof OperationalError)) throw outcome ?? new Error(`${url} was opened`);
  const told = `${outcome.message} ${outcome.hint} ${outcome.stack} ${String(outcome.cause)}`;
  assert(!told.includes(SECRET), told);
  return outcome;
}

testWithRedis("a Redis that may drop keys is refused", async (server) => {
  const { code, message, hint } = await refusal(server.url);
  assertEquals(code, "redis_evicts");
  assert(message.includes("allkeys-lru") && hint.includes("noeviction"), message);
}, { config: ["maxmemory-policy allkeys-lru"] });

testWithRedis(
  "a Redis that keeps nothing is warned of, and claims no more than memory",
  async (server) => {
    const broker = await brokerAt(server.url, "test");
    assertEquals([broker.warnings.length, await broker.log.durability()], [1, "memory"]);
    assert(broker.warnings[0]!.includes("appendonly yes"), broker.warnings[0]);
    await broker.close();
  },
  { config: ["appendonly no"] },
);

for (const [fsync, durability] of [["everysec", "process"], ["always", "disk"]] as const) {
  testWithRedis(
    `appendfsync ${fsync} is told as ${durability}, without a warning`,
    async (server) => {
      const broker = await brokerAt(server.url, "test");
      assertEquals([broker.warnings, await broker.log.durability()], [[], durability]);
      await broker.close();
    },
    { config: [`appendfsync ${fsync}`] },
  );
}

testWithRedis("a wrong password is refused at once; the right one opens", async (server) => {
  const wrong = `redis://:${SECRET}-not@127.0.0.1:${server.port}`;
  const startedAt = performance.now();
  assertEquals((await refusal(wrong)).code, "redis_refused");
  assertEquals((await refusal(`redis://127.0.0.1:${server.port}`)).code, "redis_refused");
  assert(performance.now() - startedAt < 3_000, "nobody waits for what will not change");
  const broker = await brokerAt(server.url, "test");
  assert(!broker.name.includes(SECRET), broker.name);
  await broker.close();
}, { password: SECRET });

Deno.test("a Redis that is not there is told so in time", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const startedAt = performance.now();
  const { code, retryable } = await refusal(`redis://user:${SECRET}@127.0.0.1:${port}`);
  assertEquals([code, retryable], ["redis_unreachable", true]);
  assert(performance.now() - startedAt < 8_000, "it gives up");
});

const malformed = [
  "",
  "http://127.0.0.1",
  `redis://user:${SECRET}@`,
  `redis://${SECRET}@127.0.0.1`,
  `redis://user:${SECRET}@one,two`,
  `redis://user:${SECRET}@host:port`,
  `redis://user:${SECRET}@host/name`,
  `redis+sentinel://user:${SECRET}@host:26379`,
  `redis://user:${SECRET}@host:6379/0?tls=1`,
];
for (const [number, url] of malformed.entries()) {
  Deno.test(`the address ${url.replace(SECRET, "…") || "(empty)"} is refused as malformed (${number})`, async () => {
    assertEquals((await refusal(url)).code, "redis_url_invalid");
  });
}

testWithRedis("a socket of this host is an address too", async (server) => {
  const broker = await brokerAt(`unix://${server.folder}/socket`, "test");
  assertEquals(await broker.log.head(), "0-0");
  await broker.close();
});

testWith(
  ["redis-server", "redis-cli", "openssl"],
  "rediss:// speaks TLS with a Redis whose authority is trusted by DENO_CERT, and with no other",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "draas-tls-" });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    try {
      await makeCertificates(folder, ["server"]);
      const server = await RedisServer.start({
        config: [
          `tls-port ${port}`,
          `tls-cert-file ${folder}/server.pem`,
          `tls-key-file ${folder}/server.key`,
          `tls-ca-cert-file ${folder}/ca.pem`,
          "tls-auth-clients no",
        ],
      });
      try {
        const url = `rediss://localhost:${port}`;
        assertEquals(await openedBy(url, { DENO_CERT: `${folder}/ca.pem` }), "appended");
        assertEquals(await openedBy(url, {}), "redis_refused");
      } finally {
        await server.close();
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

async function openedBy(url: string, env: Record<string, string>): Promise<string> {
  const file = decodeURIComponent(new URL("./redis_tls_process.ts", import.meta.url).pathname);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "--allow-all", file, url],
    env,
    stdin: "null",
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout);
}
