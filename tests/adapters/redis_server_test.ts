/** The Redis that tests use is itself held to what it promises: lives, deaths, and a log that lost its end. */
import { assert, assertEquals } from "@std/assert";
import { testWithRedis } from "../support/redis_server.ts";

testWithRedis("a killed server comes back on its port with what its file holds", async (server) => {
  const { port } = server;
  await server.cli("SET", "a", "1");
  await server.stop();
  await server.restart();
  await server.cli("SET", "b", "2");
  await server.kill();
  await server.restart();
  assertEquals([server.port, await server.cli("MGET", "a", "b")], [port, "1\n2"]);
});

testWithRedis("a file that lost its end gives the data of before", async (server) => {
  await server.cli("SET", "a", "1");
  const before = await server.appendOnlyFileBytes();
  await server.cli("SET", "b", "2");
  const bytes = await server.appendOnlyFileBytes();
  assert(bytes > before && before > 0, `${before} bytes, then ${bytes}`);
  await server.kill();
  server.cutAppendOnlyFile(bytes - before);
  await server.restart();
  assertEquals(await server.cli("MGET", "a", "b"), "1");
});

testWithRedis("its own settings come last, and a password is in its address", async (server) => {
  assertEquals(await server.cli("CONFIG", "GET", "appendfsync"), "appendfsync\nalways");
  assertEquals(server.url, `redis://:a%20secret@127.0.0.1:${server.port}`);
}, { config: ["appendfsync always"], password: "a secret" });
