/** The compose file that operators copy: what it lets its services do, and that it runs DRaaS with settings that exist. */
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { parseSettings } from "../../config.ts";
import { type Command, COMMANDS } from "../../settings/settings.ts";

interface Mount {
  source: string;
  target: string;
  read_only?: boolean;
}

interface Service {
  image: string;
  user?: string;
  command: string[];
  environment: Record<string, string>;
  ports?: string[];
  read_only: boolean;
  cap_drop: string[];
  cap_add?: string[];
  privileged?: boolean;
  security_opt: string[];
  restart: string;
  group_add?: string[];
  volumes?: (string | Mount)[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

const FILE = new URL("../../deploy/compose.yaml", import.meta.url);
const { services } = parse(Deno.readTextFileSync(FILE), { merge: true }) as {
  services: Record<"redis" | "control-plane" | "docker-worker", Service>;
};
/** What has to be set by who uses it. */
const GIVEN: Record<string, string> = {
  REDIS_PASSWORD: "password-of-redis",
  DRAAS_API_TOKEN: "token-of-the-compose-test",
  DOCKER_GROUP: "999",
};

/** As compose does it: `${NAME}`, `${NAME:-otherwise}` and `${NAME:?why it is needed}`; `$$` is a dollar. */
function filled(text: string): string {
  return text.replace(/\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g, (all, name, kind, more) => {
    if (all === "$$") return "$";
    const value = GIVEN[name] ?? (kind === "-" ? more : undefined);
    if (value === undefined) throw new Error(`${name} is not given`);
    return value;
  });
}

Deno.test("each service has the least rights, and comes back after a crash", () => {
  for (const [name, service] of Object.entries(services)) {
    const { read_only, cap_drop, cap_add = [], privileged = false, security_opt, restart } =
      service;
    assertEquals({ read_only, cap_drop, cap_add, privileged, security_opt, restart }, {
      read_only: true,
      cap_drop: ["ALL"],
      cap_add: [],
      privileged: false,
      security_opt: ["no-new-privileges:true"],
      restart: "unless-stopped",
    }, name);
  }
});

Deno.test("nothing is reached from other machines", () => {
  const published = Object.values(services).flatMap(({ ports = [] }) => ports.map(filled));
  assertEquals(published, ["127.0.0.1:6379:6379", "127.0.0.1:4700:4700"]);
});

Deno.test("whoever forgets a password, the token or the socket's group is told so", () => {
  const text = Deno.readTextFileSync(FILE);
  const needed = [...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
  assertEquals([...new Set(needed)].sort(), Object.keys(GIVEN).sort());
});

for (const name of ["control-plane", "docker-worker"] as const) {
  Deno.test(`${name} is a program of DRaaS with settings that it knows`, () => {
    const { command, environment } = services[name];
    const [word, ...args] = command;
    assert(COMMANDS.includes(word as Command), word);
    const given = Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [key, filled(value)]),
    );
    const parsed = parseSettings(word as Command, { args, environment: given, file: null });
    assertEquals(parsed.ok, true, JSON.stringify(parsed));
  });
}

Deno.test("Redis keeps what was answered, and its password is no argument", () => {
  const { command, volumes } = services.redis;
  const lines = filled(command.at(-1)!).trim().split("\n");
  assertEquals(lines, [
    "exec redis-server - <<END",
    "requirepass $REDIS_PASSWORD",
    "dir /data",
    "appendonly yes",
    "appendfsync always",
    'save ""',
    "maxmemory-policy noeviction",
    "END",
  ]);
  assertEquals(volumes, ["redis:/data"]);
});

Deno.test("the daemon's socket is the docker worker's alone, by its group", () => {
  const withSocket = Object.entries(services).filter(([, service]) =>
    JSON.stringify(service).includes("docker.sock:") ||
    service.volumes?.some((one) => typeof one !== "string" && one.target.endsWith("docker.sock"))
  );
  assertEquals(withSocket.map(([name]) => name), ["docker-worker"]);
  const { group_add, user, volumes = [] } = services["docker-worker"];
  assertEquals([group_add?.map(filled), user], [["999"], undefined]);
  const policy = volumes.find((one): one is Mount =>
    typeof one !== "string" &&
    one.target === services["docker-worker"].environment.DRAAS_WORKER_POLICY
  );
  assertEquals(policy?.read_only, true, "it may not change what it may run");
});

Deno.test("each waits for the one that it needs to be healthy", () => {
  const waits = Object.entries(services).map(([name, { depends_on = {} }]) => [name, depends_on]);
  const healthy = { condition: "service_healthy" };
  assertEquals(Object.fromEntries(waits), {
    redis: {},
    "control-plane": { redis: healthy },
    "docker-worker": { "control-plane": healthy },
  });
  const test = services["control-plane"].healthcheck?.test ?? [];
  assertEquals(test.every((word) => typeof word === "string"), true);
  assert(test.at(-1)?.includes("/readyz"));
});

const hasCompose = await new Deno.Command("docker", { args: ["compose", "version"] }).output()
  .then(({ success }) => success, () => false);
if (hasCompose) {
  // Debian's docker.io comes without it: then what it would refuse is for the tests above.
  Deno.test("compose itself takes the file", async () => {
    const args = ["compose", "-f", FILE.pathname, "config", "--quiet"];
    const output = await new Deno.Command("docker", { args, env: GIVEN }).output();
    assertEquals(new TextDecoder().decode(output.stderr), "");
  });
}
