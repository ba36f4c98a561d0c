/** What `worker.yaml` may say, and what a host then refuses: tables over pure functions. */
import { assertEquals } from "@std/assert";
import { parse } from "yaml";
import { describeFaults } from "../../events/configuration.ts";
import {
  DEFAULT_PORTS,
  type HostPolicy,
  openPolicy,
  parseHostPolicy,
  strictPolicy,
} from "../../workers/policy/host_policy.ts";
import {
  hostRefusal,
  type LaunchWish,
  limitsOf,
  matchesPattern,
} from "../../workers/policy/host_rules.ts";

const strict = strictPolicy("worker.yaml");

function policyOf(text: string): HostPolicy {
  const parsed = parseHostPolicy(parse(text), strict);
  if (!parsed.ok) throw new Error(describeFaults(parsed.faults));
  return parsed.value;
}

function faultsOf(text: string): string[] {
  const parsed = parseHostPolicy(parse(text), strict);
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`);
}

Deno.test("a file that says everything is read as it is meant", () => {
  const text = `
templates: [drasi-server, command]
binaries: [/usr/bin/redis-server, /opt/apps/*/bin/*]
images: ["redis:*", "registry.example.com/apps/**"]
users: [app]
folders: [/srv/apps]
limits: { memory: 1.5GiB, cpus: 0.5, processes: 200, openFiles: 4096, mustHold: true }
plugins: any
ports: 21000-21099
secrets: { folder: /etc/draas/secrets, names: [db-*] }
`;
  assertEquals(policyOf(text), {
    source: "worker.yaml",
    templates: ["drasi-server", "command"],
    binaries: ["/usr/bin/redis-server", "/opt/apps/*/bin/*"],
    images: ["redis:*", "registry.example.com/apps/**"],
    users: ["app"],
    folders: ["/srv/apps"],
    limits: { memoryBytes: 1_610_612_736, cpus: 0.5, processes: 200, openFiles: 4_096 },
    limitsMustHold: true,
    plugins: "any",
    ports: { from: 21_000, to: 21_099 },
    isPortRangeBinding: true,
    secrets: { folder: "/etc/draas/secrets", names: ["db-*"] },
  });
});

Deno.test("what a file does not say is as it was: of an empty one, everything", () => {
  assertEquals(policyOf(""), strict);
  assertEquals(strict.templates, ["drasi-server"]);
  assertEquals([strict.ports, strict.isPortRangeBinding], [DEFAULT_PORTS, false]);
  assertEquals(policyOf("templates: [command]"), { ...strict, templates: ["command"] });
});

Deno.test("every fault of a file is told at once, with its path and the right form", () => {
  assertEquals(
    faultsOf(`
template: [command]
templates: [shell]
binaries: [redis-server, /opt/../bin/sh]
users: ["a b"]
folders: /srv
limits: { memory: 2 buckets, cpus: 0, process: 1, openFiles: 1.5, mustHold: 1 }
plugins: maybe
ports: 30000-20000
secrets: { names: [../x], folders: /etc }
`),
    [
      "templates.0: must be one of drasi-server, command, image",
      "binaries.0: must be an absolute path without . and .., for example /opt/apps/*/bin/*",
      "binaries.1: must be an absolute path without . and .., for example /opt/apps/*/bin/*",
      "users.0: must be the name of a user",
      "folders: must be a list, for example [/srv/apps]",
      "limits.memory: must be a size, for example 512MiB or 2GiB, and at least 1MiB",
      "limits.cpus: must be a number of cores from 0.01 to 1024, for example 1.5",
      "limits.openFiles: must be a whole number from 1 to 1073741816",
      "limits.mustHold: must be true or false",
      "limits.process: is not a rule; the rules here are memory, cpus, processes, openFiles, mustHold",
      "plugins: must be one of verified, any",
      "ports: must be a range of ports from 1 to 65535, for example 20000-29999",
      "secrets.names.0: must be the name of a secret, for example db-password or db-*",
      "secrets.folders: is not a rule; the rules here are folder, names",
      "template: is not a rule; the rules here are templates, binaries, images, users, folders, " +
      "limits, plugins, ports, secrets",
    ],
  );
  assertEquals(faultsOf("- command"), [
    ": must hold rules, one a line, for example templates: [drasi-server, command]",
  ]);
});

const open = openPolicy("worker.yaml");
const command: LaunchWish = { template: "command", program: "/usr/bin/redis-server" };
const REFUSED = [
  {
    what: "a template that is not listed",
    policy: strict,
    wish: command,
    reason: 'rule "templates": this host runs no command; it runs drasi-server',
  },
  {
    what: "a program that is not listed",
    policy: { ...open, binaries: ["/usr/bin/true"] },
    wish: command,
    reason: 'rule "binaries": /usr/bin/redis-server is not one of /usr/bin/true',
  },
  {
    what: "a variable that makes a listed program run other code",
    policy: { ...open, binaries: ["/usr/bin/*"] },
    wish: { ...command, variables: ["PORT", "LD_PRELOAD"] },
    reason: 'rule "binaries": LD_PRELOAD would make the program run other code',
  },
  {
    what: "another user, where none is listed",
    policy: open,
    wish: { ...command, user: "root" },
    reason:
      'rule "users": this host lets its servers run as the worker\'s own user only, not as root',
  },
  {
    what: "a user that is not listed",
    policy: { ...open, users: ["app"] },
    wish: { ...command, user: "root" },
    reason:
      'rule "users": this host lets its servers run as the worker\'s own user or app only, not as root',
  },
  {
    what: "a folder whose name only begins as a listed one",
    policy: { ...open, folders: ["/srv/app"] },
    wish: { ...command, folders: ["/srv/app/data", "/srv/apples"] },
    reason: 'rule "folders": /srv/apples is not in the instance\'s own folder, nor in /srv/app',
  },
  {
    what: "more memory and more cores than the largest",
    policy: { ...open, limits: { ...open.limits, memoryBytes: 1_000, cpus: 1 } },
    wish: { ...command, limits: { memoryBytes: 1_001, cpus: 1.5 } },
    reason: 'rule "limits.memory": 1001 bytes are asked for, and the most is 1000; ' +
      'rule "limits.cpus": 1.5 cores are asked for, and the most is 1',
  },
  {
    what: "a port outside of the range",
    policy: { ...open, ports: { from: 10, to: 20 }, isPortRangeBinding: true },
    wish: { ...command, port: 21 },
    reason: 'rule "ports": port 21 is not in 10-20; without a port a free one of these is taken',
  },
  {
    what: "a secret that is not listed",
    policy: { ...open, secrets: { folder: null, names: ["db-*"] } },
    wish: { ...command, secrets: ["db-password", "root-key"] },
    reason: 'rule "secrets.names": the secret root-key may not be used by instances of this host',
  },
  {
    what: "plugins that nobody has verified",
    policy: strict,
    wish: { template: "drasi-server", pluginFields: ["verifyPlugins: false"] },
    reason: 'rule "plugins": verifyPlugins: false would let plugins in that are not verified',
  },
] satisfies { what: string; policy: HostPolicy; wish: LaunchWish; reason: string }[];

for (const { what, policy, wish, reason } of REFUSED) {
  Deno.test(`refused, by the name of the rule: ${what}`, () => {
    assertEquals(hostRefusal(policy, wish), {
      code: "host_refused",
      message: `refused by worker.yaml, ${reason}`,
      retryable: false,
    });
  });
}

const ALLOWED: [string, HostPolicy, LaunchWish][] = [
  ["everything that an open host is asked for", open, {
    ...command,
    variables: ["LD_PRELOAD"],
    folders: ["/"],
    limits: { memoryBytes: 1e15 },
    port: 1,
    secrets: ["x"],
  }],
  [
    "what is listed",
    policyOf("{templates: [command], binaries: [/usr/bin/redis-server]}"),
    command,
  ],
  ["a listed user", { ...open, users: ["app"] }, { ...command, user: "app" }],
  ["a folder within a listed one", { ...open, folders: ["/srv"] }, {
    ...command,
    folders: ["/srv"],
  }],
  ["any port, where the range is only the default one", strict, {
    template: "drasi-server",
    port: 80,
  }],
];
for (const [what, policy, wish] of ALLOWED) {
  Deno.test(`allowed: ${what}`, () => assertEquals(hostRefusal(policy, wish), null));
}

Deno.test("a star stands for a part of one name, two for folders too", () => {
  const found = [
    ["/opt/*/bin/*", "/opt/a/bin/b"],
    ["/opt/*/bin/*", "/opt/a/b/bin/c"],
    ["/opt/**", "/opt/a/b/bin/c"],
    ["/opt/a.b", "/opt/aXb"],
    ["/opt/a", "/opt/a/b"],
  ].map(([pattern, path]) => matchesPattern(pattern!, path!));
  assertEquals(found, [true, false, true, false, false]);
});

Deno.test("a run that asks for no limit gets the largest one of its host", () => {
  const policy = policyOf("limits: { memory: 1GiB, processes: 100 }");
  assertEquals(limitsOf(policy, { processes: 7, cpus: 2 }), {
    memoryBytes: 1_073_741_824,
    cpus: 2,
    processes: 7,
  });
});
