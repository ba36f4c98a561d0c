/** How drasi-server is run from its image: a pure plan, in which nothing is left to the image's own defaults. */
import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../events/json.ts";
import type { StartSpec } from "../../workers/platform.ts";
import { openPolicy } from "../../workers/policy/host_policy.ts";
import { SecretStore } from "../../workers/secret_store.ts";
import { checkedImage, type ImageHost } from "../../workers/templates/checked_image.ts";
import { type DrasiImage, planDrasiContainer } from "../../workers/templates/drasi_container.ts";
import type { ContainerPlan } from "../../workers/templates/image.ts";

const IMAGE: DrasiImage = { image: "drasi-server:1", hasHostPorts: true, user: null };

function specOf(configuration: JsonObject): StartSpec {
  return {
    instanceId: "i-1",
    runId: "r-1",
    fence: { generation: 1, attempt: 1 },
    template: "drasi-server",
    configuration,
    spawnWithinMs: 10_000,
  };
}

function planOf(configuration: JsonObject, more: Partial<DrasiImage> = {}): ContainerPlan {
  return planDrasiContainer(specOf(configuration), { ...IMAGE, ...more });
}

function fileOf({ files }: ContainerPlan): JsonObject {
  assertEquals(files.map(({ path }) => path), ["/app/config/server.json"]);
  return JSON.parse(files[0]!.content);
}

Deno.test("the file is what a process gets, at the address and port that the image is asked at", () => {
  const queries = [{ id: "q", queryText: "MATCH (n) RETURN n" }];
  const plan = planOf({ id: "another", user: "app", host: "127.0.0.1", port: 9_000, queries });
  assertEquals(fileOf(plan), {
    id: "i-1",
    host: "0.0.0.0",
    port: 8080,
    persistConfig: false,
    queries: [{ id: "q", query: "MATCH (n) RETURN n" }],
  });
  assertEquals(plan.command, [
    ...["--config", "/app/config/server.json", "--port", "8080"],
    ...["--plugins-dir", "/app/plugins"],
  ]);
  const marks = { DRAAS_INSTANCE_ID: "i-1", DRAAS_RUN_ID: "r-1" };
  assertEquals(plan.env, { NO_COLOR: "1", ...marks });
  assertEquals([plan.image, plan.user, plan.workingDirectory], ["drasi-server:1", "app", "/app"]);
  assertEquals(plan.volumes, [{ name: "data", path: "/app/data" }]);
  assertEquals(plan.writable, ["/app/data", "/app/plugins"]);
});

Deno.test("its host and port are those at which it is published, where ports are", () => {
  const published = (configuration: JsonObject, more: Partial<DrasiImage> = {}) => {
    const { host, ports } = planOf(configuration, more);
    return [host, ports];
  };
  assertEquals(published({ host: "0.0.0.0", port: 9_000 }), [
    "0.0.0.0",
    [{ port: 8080, published: 9_000 }],
  ]);
  const free = [{ port: 8080, published: null }];
  assertEquals(published({ port: 0 }), ["127.0.0.1", free]);
  assertEquals(published({ port: 9_000 }, { hasHostPorts: false }), ["127.0.0.1", free]);
});

Deno.test("it is asked at /health, and ends by SIGINT within 30 s", () => {
  const plan = planOf({});
  const question = { kind: "http", port: 8080, path: "/health" } as const;
  assertEquals(plan.readiness, { ...question, withinMs: 60_000 });
  assertEquals(planOf({ autoInstallPlugins: true }).readiness?.withinMs, 300_000);
  assertEquals(plan.liveness, {
    question,
    components: { port: 8080, path: "/api/v1/instances/i-1" },
    intervalMs: 5_000,
    timeoutMs: 5_000,
    failures: 3,
    successes: 1,
  });
  assertEquals([plan.stopSignal, plan.stopGraceMs], ["SIGINT", 30_000]);
});

Deno.test("each text with a secret is a variable as a whole, and the file has none", () => {
  const plan = planOf({
    sources: [{
      kind: "postgres",
      id: "s",
      password: "${secret:db}",
      url: "postgres://app:${secret:db}@db",
      tables: ["${TABLE}", "plain"],
    }],
  });
  assertEquals(fileOf(plan).sources, [{
    kind: "postgres",
    id: "s",
    password: "${DRAAS_VALUE_0}",
    url: "${DRAAS_VALUE_1}",
    tables: ["${TABLE}", "plain"],
  }]);
  const { DRAAS_VALUE_0, DRAAS_VALUE_1 } = plan.env;
  assertEquals([DRAAS_VALUE_0, DRAAS_VALUE_1], ["${secret:db}", "postgres://app:${secret:db}@db"]);
});

function hostWith(policy: Partial<ImageHost["policy"]>): ImageHost {
  return {
    platform: "docker",
    drasiServer: IMAGE,
    policy: { ...openPolicy("worker.yaml", ["drasi-server"]), ...policy },
    secrets: new SecretStore({ folder: "/nowhere", variables: {} }),
  };
}

/** What the host says to a configuration; null: nothing against it. */
async function refusalOf(
  configuration: JsonObject,
  policy: Partial<ImageHost["policy"]> = {},
): Promise<string | null> {
  const checked = await checkedImage(hostWith(policy), specOf(configuration));
  return "code" in checked ? checked.message : null;
}

Deno.test("a host's rules hold for the image of the setting, its plugins and published ports", async () => {
  assertEquals(await refusalOf({ port: 9_000 }), null);
  const refused = [
    await refusalOf({}, { templates: ["image"] }),
    await refusalOf({}, { images: ["redis:*"] }),
    await refusalOf({ verifyPlugins: false }, { plugins: "verified" }),
    await refusalOf({ port: 9_000 }, { isPortRangeBinding: true }),
  ];
  const rules = refused.map((message) => /rule "(\w+)"/.exec(message ?? "")?.[1]);
  assertEquals(rules, ["templates", "images", "plugins", "ports"]);
});

Deno.test("a configuration that is not in order is refused before anything is made", async () => {
  const message = await refusalOf({ host: "invalid", sources: [{ id: "s" }] });
  assert(message?.startsWith("Configuration is invalid: host: must be an IPv4 address"), message!);
});
