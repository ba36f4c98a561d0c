/** The forms in which people write where Redis is, and that no form shows its secrets. */
import { assertEquals } from "@std/assert";
import { parseRedisAddress, withoutRedisSecrets } from "../../settings/redis_address.ts";

const understood: [string, string][] = [
  ["redis://localhost", "redis://localhost"],
  ["rediss://me:p%40ss@r.example.com:6380/2", "rediss://me:p%40ss@r.example.com:6380/2"],
  ["redis://:pass@[::1]:6379", "redis://:pass@[::1]:6379"],
  [
    "redis+sentinel://u:p@s1:26379,s2:26379/mymaster",
    "redis+sentinel://u:p@s1:26379,s2:26379/mymaster",
  ],
  ["unix:///run/redis.sock", "unix:///run/redis.sock"],
  ["redis+cluster://a:7000,b:7001", "redis+cluster://a:7000,b:7001"],
  ["localhost:6379", "redis://localhost:6379"],
  ["localhost", "redis://localhost:6379"],
  [
    "r.example.com,password=a/b@c=,ssl=true,user=draas,abortConnect=false",
    "rediss://draas:a%2Fb%40c%3D@r.example.com:6380",
  ],
  ["r:6390,Password=secret,Ssl=False,defaultDatabase=3", "redis://:secret@r:6390/3"],
  ["s1,s2:26380,serviceName=mymaster", "redis+sentinel://s1,s2:26380/mymaster"],
  ["a:7000,b:7000,ssl=true", "rediss+cluster://a:7000,b:7000"],
];

for (const [text, url] of understood) {
  Deno.test(`${text} is ${url}`, () => assertEquals(parseRedisAddress(text), { ok: true, url }));
}

for (
  const text of [
    "http://localhost:6379",
    "redis://",
    "redis://a b",
    "host:66000",
    "redis://:50%@host",
    "redis://me:7@host:66000/1",
    "redis+cluster://a:7000,b:99999",
    "host:port",
    "password=x",
    "host,sslHost=other",
    "ho st",
  ]
) {
  Deno.test(`${text} is no address, and the answer says what is`, () => {
    const address = parseRedisAddress(text);
    assertEquals([address.ok, !address.ok && address.form.startsWith("redis://[user")], [
      false,
      true,
    ]);
  });
}

Deno.test("the form that an address must have is shown as it is", () => {
  const address = parseRedisAddress("http://x");
  const form = address.ok ? "" : address.form;
  assertEquals(withoutRedisSecrets(form), form);
});

Deno.test("an address is shown without user and password, wherever it stands in a text", () => {
  assertEquals(
    withoutRedisSecrets(
      "rediss+sentinel://me:p@ss@a:1,b:2/m failed; redis://h:1 and x,password=p,q",
    ),
    "rediss+sentinel://***@a:1,b:2/m failed; redis://h:1 and x,password=***,q",
  );
});
