/** Who a host is to a registry: what `docker login` has kept, and what credential helpers answer, as real programs. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { helperAsker } from "../../workers/docker/credential_program.ts";
import { parseRegistries } from "../../workers/docker/registry_credentials.ts";
import { NO_LOGINS, RegistryLogins } from "../../workers/docker/registry_logins.ts";
import { ManualClock } from "../adapters/manual_clock.ts";
import { withFleet } from "../e2e/support/redis_fleet.ts";
import { BUSYBOX, startDockerDaemon, stopDockerDaemon } from "../support/docker_daemon.ts";
import { testWith } from "../support/tools.ts";
import { eventually, realClock } from "../workers/process_world.ts";
import { shellImage } from "./docker_world.ts";
import { serveRegistry } from "./registry.ts";

Deno.test.afterAll(stopDockerDaemon);

const NEVER = new AbortController().signal;
const INSTANCES = "/api/server/instances";

/** Programs named `docker-credential-NAME` in a folder that is the PATH's first. */
async function withHelpers(
  scripts: Readonly<Record<string, string>>,
  test: (path: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-helpers-" });
  for (const [name, script] of Object.entries(scripts)) {
    const text = `#!/bin/sh\n${script}\n`;
    await Deno.writeTextFile(`${folder}/docker-credential-${name}`, text, { mode: 0o755 });
  }
  try {
    await test(`${folder}:${Deno.env.get("PATH")}`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("credentials are found by the registry that an image names, and a file that is none is told", async () => {
  const file = {
    auths: {
      "https://index.docker.io/v1/": { auth: new TextEncoder().encode("hub:ä").toBase64() },
      "registry.example.com": { auth: btoa("own:b:c") },
      "empty.example.com": {},
    },
  };
  const nobody = () => Promise.resolve({ kind: "none" } as const);
  const logins = new RegistryLogins(parseRegistries(JSON.stringify(file))!, nobody);
  const passwordOf = async (image: string) => {
    const { credentials } = await logins.loginFor(image, NEVER);
    return credentials && "password" in credentials ? credentials.password : undefined;
  };
  const hub = ["redis:7", "team/app", "docker.io/team/app", "index.docker.io/library/redis:7"];
  assertEquals(await Promise.all(hub.map(passwordOf)), hub.map(() => "ä"));
  assertEquals(await passwordOf("registry.example.com/app:1"), "b:c");
  const others = ["empty.example.com/app", "localhost/app", "other:5000/app"];
  assertEquals(await Promise.all(others.map(passwordOf)), others.map(() => undefined));
  assertEquals(await NO_LOGINS.loginFor("redis", NEVER), {
    credentials: undefined,
    problem: null,
  });
  const wrong = ["{", '{"auths":[]}', '{"credHelpers":{"a":1}}', '{"credsStore":{}}'];
  assertEquals(wrong.map(parseRegistries), wrong.map(() => null));
});

Deno.test("a registry's own helper is asked before the store, and the store before what the file has", async () => {
  const asked: string[] = [];
  const ask = (helper: string, server: string) => {
    asked.push(`${helper} ${server}`);
    return Promise.resolve({ kind: "none" } as const);
  };
  const auths = { "a.example.com": { auth: btoa("u:p") }, "b.example.com": { auth: btoa("u:p") } };
  const credHelpers = { "a.example.com": "own", "docker.io": "hub" };
  const logins = (content: unknown) =>
    new RegistryLogins(parseRegistries(JSON.stringify(content))!, ask);
  const all = logins({ auths, credHelpers, credsStore: "store" });
  const found = await all.loginFor("a.example.com/app", NEVER);
  assertEquals(found, { credentials: undefined, problem: null });
  await all.loginFor("b.example.com:5000/app", NEVER);
  await all.loginFor("redis:7", NEVER);
  await logins({ auths, credHelpers }).loginFor("b.example.com/app", NEVER);
  assertEquals(asked, [
    "own a.example.com",
    "store b.example.com:5000",
    "hub https://index.docker.io/v1/",
  ]);
});

Deno.test("a helper gets the registry and answers with a password, a token, nothing, or why it cannot", () =>
  withHelpers({
    echo:
      'read server; printf \'{"ServerURL":"%s","Username":"me","Secret":"s %s"}\' "$server" "$1"',
    token: 'echo \'{"ServerURL":"x","Username":"<token>","Secret":"t"}\'',
    none: "echo 'credentials not found in native keychain'; exit 1",
    broken: "echo first >&2; printf '\\033[31mno bus\\001\\033[0m\\n' >&2; exit 3",
    mute: "exit 2",
    babble: "echo s3cret",
    flood: "yes",
  }, async (PATH) => {
    const ask = helperAsker(realClock, { PATH });
    const answer = (helper: string) => ask(helper, "r.example.com", NEVER);
    const serveraddress = "r.example.com";
    assertEquals(await answer("echo"), {
      kind: "found",
      credentials: { username: "me", password: "s get", serveraddress },
    });
    assertEquals(await answer("token"), {
      kind: "found",
      credentials: { identitytoken: "t", serveraddress },
    });
    assertEquals(await answer("none"), { kind: "none" });
    const problems = [
      ["broken", "docker-credential-broken failed: no bus"],
      ["mute", "docker-credential-mute failed: it ended with 2"],
      ["babble", "docker-credential-babble answered with something else than credentials"],
      ["absent", "docker-credential-absent is not on the PATH"],
      ["../../bin/sh", '"../../bin/sh" is not a credential helper\'s name'],
      ["desktop.exe", '"desktop.exe" is not a credential helper\'s name'],
    ] as const;
    for (const [helper, problem] of problems) {
      assertEquals(await answer(helper), { kind: "failed", problem });
    }
  }));

Deno.test("a helper that does not answer is ended after 10 s, or with the start that it was for", () =>
  withHelpers(
    { slow: 'echo $$ > "$PIDS/$$"; exec sleep 1000', flood: "exec yes" },
    async (PATH, PIDS) => {
      const pids = () => [...Deno.readDirSync(PIDS)].filter(({ name }) => /^\d+$/.test(name));
      const isThere = (pid: string) => Deno.statSync(`/proc/${pid}`).isDirectory;
      const clock = new ManualClock();
      const ask = helperAsker(clock, { PATH, PIDS });
      const late = ask("slow", "r", NEVER);
      await eventually("it runs", () => pids().length === 1);
      await clock.advance(10_000);
      const problem = "docker-credential-slow gave no answer within 10 s";
      assertEquals(await late, { kind: "failed", problem });
      const start = new AbortController();
      const broken = ask("slow", "r", start.signal);
      await eventually("it runs", () => pids().length === 2);
      start.abort();
      assertEquals(await broken, {
        kind: "failed",
        problem: "docker-credential-slow was broken off",
      });
      const flooded = ask("flood", "r", NEVER);
      await clock.advance(10_000);
      assertEquals((await flooded).kind, "failed");
      for (const { name } of pids()) {
        await eventually("it has ended", () => {
          try {
            return !isThere(name);
          } catch {
            return true;
          }
        });
      }
    },
  ));

testWith(
  ["dockerd", "docker", "busybox", "tar", "redis-server"],
  "a worker asks a helper of its host for each pull, and tells of one that fails without its secret",
  () =>
    withHelpers({
      pass:
        'read server; echo "$server" >> "$DOCKER_CONFIG/asked"; cat "$DOCKER_CONFIG/answer" && exit "$(cat "$DOCKER_CONFIG/code")"',
    }, (PATH) =>
      withFleet(async (fleet) => {
        const daemon = await startDockerDaemon();
        const registry = await serveRegistry(daemon, BUSYBOX, undefined, "app:s3cret");
        const [server = ""] = registry.image.split("/");
        const DOCKER_CONFIG = `${fleet.folder}/docker`;
        await Deno.mkdir(`${DOCKER_CONFIG}`);
        const file = { credHelpers: { [server]: "pass" } };
        await Deno.writeTextFile(`${DOCKER_CONFIG}/config.json`, JSON.stringify(file));
        const answers = async (text: string, code: number) => {
          await Deno.writeTextFile(`${DOCKER_CONFIG}/answer`, text);
          await Deno.writeTextFile(`${DOCKER_CONFIG}/code`, String(code));
        };
        await Deno.writeTextFile(`${fleet.folder}/worker.yaml`, "templates: [image]\n");
        const api = await fleet.serve();
        const worker = fleet.begin("worker:docker", [
          ...["--data-dir", `${fleet.folder}/d`, "--policy", `${fleet.folder}/worker.yaml`],
        ], { DOCKER_HOST: daemon.host, DOCKER_CONFIG, PATH });
        await worker.hears(/^ {2}Found +\d+/m);
        const { json: { id } } = await api.call(`POST ${INSTANCES}`, {
          name: "private",
          platform: "Docker",
          template: "image",
          serverConfiguration: { ...shellImage("exec sleep 1000"), image: registry.image },
          restartPolicy: { mode: "never" },
        });
        await answers("the store is locked", 1);
        const refused = await api.call(`POST ${INSTANCES}/${id}/start`);
        assert(refused.status !== 200);
        assertStringIncludes(
          JSON.stringify(refused.json),
          "docker-credential-pass failed: the store is locked",
        );
        await answers(JSON.stringify({ ServerURL: server, Username: "app", Secret: "s3cret" }), 0);
        const started = await api.call(`POST ${INSTANCES}/${id}/start`);
        assertEquals(started.status, 200, JSON.stringify(started.json));
        const asked = (await Deno.readTextFile(`${DOCKER_CONFIG}/asked`)).trim().split("\n");
        assert(asked.length >= 2 && asked.every((one) => one === server), asked.join());
        assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
        assert(!worker.output.includes("s3cret"), "no secret is told");
        await registry.close();
      })),
);
