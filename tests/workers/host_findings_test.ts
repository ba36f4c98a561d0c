/** What the facts of a host and of its Redis mean for a worker: tables over pure functions. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import { diagnosisText } from "../../programs/doctor_words.ts";
import { redisFindings, unreachedFinding } from "../../programs/redis_findings.ts";
import { openPolicy, strictPolicy } from "../../workers/policy/host_policy.ts";
import { hostFindings, type HostView } from "../../workers/process/host_findings.ts";

const sound: HostView = {
  facts: {
    user: "draas-worker",
    uid: "990",
    "tool.sh": "/bin/sh",
    "tool.flock": "/usr/bin/flock",
    "tool.setsid": "/usr/bin/setsid",
    flock: "works",
    boot: "1",
    outgoing_ports: "32768-60999",
    open_files: "65536",
    disk_free_kib: "8388608",
    cgroups: "2",
    cgroup_writable: "/sys/fs/cgroup/worker",
    controllers: "cpu memory pids",
  },
  policy: strictPolicy("worker.yaml"),
  isPolicyOpenToOthers: false,
  freePorts: 10_000,
  dataFolder: { path: "/var/lib/draas", problem: null, isOpenToOthers: false, isInUse: true },
  drasiServer: { path: "/usr/bin/drasi-server", version: "0.2.2" },
  badSecrets: [],
};

Deno.test("a host on which all is well has nothing to advise", () => {
  const seen = hostFindings(sound).map(({ check, outcome, saw, advice }) => [
    check,
    outcome,
    saw,
    advice,
  ]);
  assertEquals(seen, [
    ["user", "ok", "draas-worker", undefined],
    ["tools", "ok", "sh, flock, setsid, /proc", undefined],
    ["data folder", "ok", "/var/lib/draas, a worker works there now", undefined],
    ["disk", "ok", "8.0 GiB free below /var/lib/draas", undefined],
    ["allowed", "ok", "drasi-server, by worker.yaml", undefined],
    ["drasi-server", "ok", "0.2.2, /usr/bin/drasi-server", undefined],
    ["ports", "ok", "10000 of 10000 free from 20000 to 29999", undefined],
    ["cgroups", "ok", "version 2, writable (cpu memory pids)", undefined],
    ["open files", "ok", "at most 65536", undefined],
  ]);
});

const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(sound.facts).filter(([name]) => !names.includes(name)));
const folder = sound.dataFolder;
const FOUND: [
  what: string,
  view: Partial<HostView>,
  check: string,
  outcome: string,
  saw: string,
][] = [
  ["root", { facts: { ...sound.facts, uid: "0" } }, "user", "warn", "servers may do everything"],
  ["no flock", { facts: without("tool.flock") }, "tools", "fail", "flock not on the PATH"],
  ["a flock that does not lock", { facts: without("flock") }, "tools", "fail", "does not lock"],
  ["no /proc", { facts: without("boot") }, "tools", "fail", "/proc cannot be read"],
  [
    "a folder that is not to be written",
    { dataFolder: { ...folder, problem: "EACCES" } },
    "data folder",
    "fail",
    "/var/lib/draas: EACCES",
  ],
  [
    "a folder that is open to all",
    { dataFolder: { ...folder, isOpenToOthers: true } },
    "data folder",
    "warn",
    "can be looked into by other users",
  ],
  ["a full disk", { facts: { ...sound.facts, disk_free_kib: "1024" } }, "disk", "warn", "0.0 GiB"],
  [
    "a policy that others may change",
    { isPolicyOpenToOthers: true },
    "allowed",
    "fail",
    "which other users may change",
  ],
  ["any program", { policy: openPolicy("worker.yaml") }, "allowed", "warn", "any program"],
  [
    "no drasi-server, and nothing else allowed",
    { drasiServer: { problem: "It is not there." } },
    "drasi-server",
    "fail",
    "It is not there.",
  ],
  [
    "no drasi-server beside commands",
    { drasiServer: { problem: "It is not there." }, policy: openPolicy("worker.yaml") },
    "drasi-server",
    "warn",
    "It is not there.",
  ],
  [
    "a drasi-server that cannot run",
    { drasiServer: { path: "/x", version: null } },
    "drasi-server",
    "fail",
    "does not tell its version",
  ],
  ["no free port", { freePorts: 0 }, "ports", "fail", "0 of 10000 free"],
  ["few free ports", { freePorts: 999 }, "ports", "warn", "999 of 10000 free"],
  [
    "ports that outgoing connections take",
    { facts: { ...sound.facts, outgoing_ports: "1024-65000" } },
    "ports",
    "warn",
    "outgoing connections take theirs from 1024 to 65000",
  ],
  [
    "groups that are not ours",
    { facts: without("cgroup_writable") },
    "cgroups",
    "warn",
    "not writable",
  ],
  ["no groups", { facts: without("cgroups") }, "cgroups", "warn", "none"],
  [
    "few open files",
    { facts: { ...sound.facts, open_files: "1024" } },
    "open files",
    "warn",
    "1024",
  ],
  [
    "a secret that others read",
    { badSecrets: ["The secret x can be read"] },
    "secret",
    "fail",
    "x",
  ],
];
for (const [what, view, check, outcome, saw] of FOUND) {
  Deno.test(`found on a host: ${what}`, () => {
    const found = hostFindings({ ...sound, ...view }).filter((one) => one.check === check);
    assertEquals(found.map((one) => one.outcome), [outcome]);
    assertStringIncludes(found[0]?.saw ?? "", saw);
  });
}

const redis = {
  name: "127.0.0.1:6379",
  answersInMs: 0.42,
  clockAheadMs: -3,
  durability: "process",
  unfit: null,
  controlPlanes: 2,
} as const;

Deno.test("a Redis that is as it should be, and one that is not", () => {
  const outcomes = (seen: Parameters<typeof redisFindings>[0]) =>
    redisFindings(seen).map(({ check, outcome }) => `${check}: ${outcome}`);
  assertEquals(outcomes(redis), [
    "redis: ok",
    "append-only file: ok",
    "clock: ok",
    "control planes: ok",
  ]);
  const evicts = new OperationalError("redis_evicts", "It may drop keys.", false, "Set it.");
  assertEquals(
    outcomes({
      ...redis,
      unfit: evicts,
      durability: "memory",
      clockAheadMs: 2_001,
      controlPlanes: 0,
    }),
    ["redis: fail", "append-only file: warn", "clock: warn", "control planes: warn"],
  );
  assertEquals(outcomes({ ...redis, answersInMs: 51 })[0], "redis: warn");
  assertEquals(unreachedFinding(evicts), {
    check: "redis",
    outcome: "fail",
    saw: "It may drop keys.",
    advice: "Set it.",
  });
});

Deno.test("findings are told in columns, what to do below them, in colours only where they are wanted", () => {
  const findings = [
    { check: "user", outcome: "ok", saw: "app" },
    { check: "ports", outcome: "fail", saw: "none\nfree", advice: "Take others." },
  ] as const;
  assertEquals(
    diagnosisText(findings, false),
    "ok    user   app\n" +
      "fail  ports  none\n" +
      "             free\n" +
      "             Take others.\n" +
      "A worker cannot do its work here: 1 in the way, 0 to think about.",
  );
  assertEquals(
    diagnosisText(findings.slice(0, 1), true),
    "\x1b[32mok  \x1b[0m  user  app\nA worker can work here.",
  );
});
