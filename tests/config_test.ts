/** Settings: what comes before what, every fault at once, and no secret in a message. */
import { assert, assertEquals } from "@std/assert";
import { type Given, inheritedEnvironment, parseSettings, toolEnvironment } from "../config.ts";
import { HELP } from "../settings/help.ts";
import type { Command, Settings } from "../settings/settings.ts";

const TOKEN = "0123456789abcdef";

function settingsOf(given: Partial<Given>, command: Command = "start"): Settings {
  const parsed = parseSettings(command, { args: [], environment: {}, file: null, ...given });
  if (!parsed.ok) throw new Error(`refused: ${JSON.stringify(parsed.faults)}`);
  return parsed.value;
}

function faultsOf(given: Partial<Given>, command: Command = "start"): string[] {
  const parsed = parseSettings(command, { args: [], environment: {}, file: null, ...given });
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`);
}

const firstWords = (faults: string[]) => faults.map((fault) => fault.slice(0, 48));

Deno.test("without anything given the defaults hold, as the help says them", () => {
  assertEquals(settingsOf({}), {
    namespace: "default",
    host: "127.0.0.1",
    port: 4700,
    apiToken: null,
    tokensFile: null,
    allowedOrigins: [],
    readsPerSecond: 2_000,
    changesPerSecond: 1_000,
    dataDir: ".draas",
    commandTimeoutMs: 30_000,
    queueTimeoutMs: 600_000,
    retentionMs: null,
    retentionEvents: null,
    drasiServerBin: null,
    drasiPluginsDir: null,
    drasiServerImage: "ghcr.io/drasi-project/drasi-server:latest",
    dockerHost: "unix:///var/run/docker.sock",
    dockerCertPath: null,
    dockerConfig: null,
    kubernetesContext: null,
    kubernetesNamespace: null,
    kubernetesVolumeSize: "1Gi",
    workerPolicy: null,
    standIn: "auto",
    logLevel: "info",
    logFormat: "auto",
    redisUrl: null,
    redisWaitMs: 30_000,
    workerId: null,
    slots: 64,
    workerLabels: {},
    patienceMs: 10_000,
    logMib: 64,
    logAgeMs: 604_800_000,
    deletedLogsMib: 1_024,
    copyTo: null,
    copyFrom: null,
    headless: false,
    json: false,
    stopOnExit: false,
  });
  for (const text of ["127.0.0.1", "4700", ".draas", "30000", "600000", "2000 of", "1000, "]) {
    assert(HELP.includes(text), text);
  }
});

Deno.test("flags come before the environment, the environment before draas.yaml", () => {
  const file = "DRAAS_PORT: 1\nDRAAS_NAMESPACE: file\nDRAAS_DATA_DIR: /file\n";
  const environment = { DRAAS_PORT: "2", DRAAS_NAMESPACE: "environment" };
  const { port, namespace, dataDir } = settingsOf({ file, environment, args: ["--port", "3"] });
  assertEquals([port, namespace, dataDir], [3, "environment", "/file"]);
});

Deno.test("a flag's value may follow it or an equals sign, and switches take none", () => {
  const args = ["--port=5", "--data-dir", "a=b", "--namespace=x", "--headless", "--stop-on-exit"];
  const { port, dataDir, namespace, headless, stopOnExit } = settingsOf({ args });
  assertEquals([port, dataDir, namespace, headless, stopOnExit], [5, "a=b", "x", true, true]);
  assertEquals(faultsOf({ args: ["--headless=no"] }), ["--headless: takes no value"]);
});

Deno.test("an empty value counts as unset, wherever it stands", () => {
  const file = "DRAAS_PORT:\nDRAAS_DATA_DIR: ''\n";
  const environment = { DRAAS_PORT: "", DRASI_SERVER_BIN: "", DRAAS_API_TOKEN: "" };
  assertEquals(settingsOf({ file, environment, args: ["--port", "", "--host="] }), settingsOf({}));
  assertEquals(settingsOf({ file: "" }), settingsOf({}));
  const { port } = settingsOf({ file: "DRAAS_PORT: 7", environment: { DRAAS_PORT: "" } });
  assertEquals(port, 7);
});

Deno.test("every fault of every source is told at once, each with the right form", () => {
  assertEquals(
    faultsOf({
      file: "DRAAS_PORT: many\nDRAAS_DATA_DIR: [a]\n",
      environment: { DRAAS_NAMESPACE: "Über", DRAAS_STANDIN: "sometimes", DRAAS_LOG_LEVEL: "loud" },
      args: ["--queue-timeout-ms", "1.5", "--port", "65536", "--host"],
    }),
    [
      'draas.yaml: DRAAS_PORT: "many" is not valid; it must be a whole number from 0 to 65535',
      "draas.yaml: DRAAS_DATA_DIR: must be one value, as text or a number",
      'DRAAS_NAMESPACE: "Über" is not valid; it must be 1 to 32 lower-case letters, digits and -, ' +
      "for example default",
      'DRAAS_STANDIN: "sometimes" is not valid; it must be auto or never',
      'DRAAS_LOG_LEVEL: "loud" is not valid; it must be debug, info, warn or error',
      '--queue-timeout-ms: "1.5" is not valid; it must be a whole number from 1 to 86400000',
      '--port: "65536" is not valid; it must be a whole number from 0 to 65535',
      "--host: needs a value",
    ],
  );
});

Deno.test("the image of drasi-server is the one that is named, if that can be one", () => {
  const named = (DRASI_SERVER_IMAGE: string) => ({ environment: { DRASI_SERVER_IMAGE } });
  const { drasiServerImage } = settingsOf(named("registry.example.com:5000/drasi@sha256:0a"));
  assertEquals(drasiServerImage, "registry.example.com:5000/drasi@sha256:0a");
  assertEquals(faultsOf(named("-e A=1 drasi"), "worker:docker"), [
    'DRASI_SERVER_IMAGE: "-e A=1 drasi" is not valid; it must be an image, for example ' +
    "registry.example.com/drasi-server:0.2.2",
  ]);
});

for (
  const text of ["-1", "+1", "0x10", "1e3", " 1", "1 ", "65536", "NaN", "99999999999999999999"]
) {
  Deno.test(`${JSON.stringify(text)} is no port`, () => {
    assertEquals(faultsOf({ environment: { DRAAS_PORT: text } }).length, 1);
  });
}

Deno.test("what each server finds in its environment is no fault: a shell inside an instance can start DRaaS", () => {
  const environment = { DRAAS_INSTANCE_ID: "i-1", DRAAS_RUN_ID: "r-1", DRAAS_SITE: "s-1" };
  assertEquals(faultsOf({ environment }), []);
});

Deno.test("unknown settings and flags are named, those of other programs of the family are left alone", () => {
  const environment = { DRAAS_PROT: "1", DRAAS_URL: "http://x", DRAAS_TOKEN: "y", OTHER: "z" };
  const faults = faultsOf({
    environment,
    file: "DRAAS_COLOUR: red\n",
    args: ["--prot", "1", "port", "toString", "-p", "--help-me"],
  });
  assertEquals(
    firstWords(faults),
    [
      "draas.yaml: DRAAS_COLOUR: is not a setting; the s",
      "DRAAS_PROT: is not a setting; the settings are D",
      "--prot: is not a flag; see --help",
      "port: is not a flag; see --help",
      "toString: is not a flag; see --help",
      "-p: is not a flag; see --help",
      "--help-me: is not a flag; see --help",
    ].map((text) => text.slice(0, 48)),
  );
});

for (
  const [what, file, expected] of [
    ["broken YAML", "DRAAS_PORT: [1", "draas.yaml: is not valid YAML: "],
    ["a list", "- DRAAS_PORT", "draas.yaml: must hold settings, one a line, for"],
    ["a word", "DRAAS_PORT", "draas.yaml: must hold settings, one a line, for"],
    ["a name twice", "DRAAS_PORT: 1\nDRAAS_PORT: 2", "draas.yaml: is not valid YAML: "],
  ] as const
) {
  Deno.test(`a draas.yaml with ${what} is a fault`, () => {
    const [fault = "", ...more] = faultsOf({ file });
    assertEquals([fault.slice(0, expected.length), more], [expected, []]);
  });
}

Deno.test("a draas.yaml that cannot be read is a fault", () => {
  assertEquals(faultsOf({ fileFault: "cannot be read: it is a folder" }), [
    "draas.yaml: cannot be read: it is a folder",
  ]);
});

for (const host of ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"]) {
  Deno.test(`${host} needs no token`, () => {
    assertEquals(settingsOf({ args: ["--host", host] }).host, host);
  });
}

for (const host of ["0.0.0.0", "::", "192.168.1.7", "localhost.example.com", "127.0.0.1.example"]) {
  Deno.test(`${host} can be reached by others, and needs a token`, () => {
    const [fault = "", ...more] = faultsOf({ args: ["--host", host] });
    assert(fault.includes("DRAAS_API_TOKEN must be set") && more.length === 0, fault);
    const environment = { DRAAS_API_TOKEN: TOKEN };
    assertEquals(settingsOf({ args: ["--host", host], environment }).apiToken, TOKEN);
    assert(fault.includes("or a tokens file be there (tokens.yaml)"), fault);
    for (
      const [given, tokensFile] of [
        [{ hasTokensFile: true }, "tokens.yaml"],
        [{ environment: { DRAAS_TOKENS_FILE: "/etc/draas/t" } }, "/etc/draas/t"],
      ] as const
    ) {
      assertEquals(settingsOf({ args: ["--host", host], ...given }).tokensFile, tokensFile);
    }
  });
}

Deno.test("the tokens file is the one that is named, else the one in the working folder", () => {
  assertEquals(settingsOf({ hasTokensFile: false }).tokensFile, null);
  const args = ["--tokens-file", "mine.yaml"];
  assertEquals(settingsOf({ hasTokensFile: true, args }).tokensFile, "mine.yaml");
  assertEquals(settingsOf({ args }, "start").tokensFile, "mine.yaml");
});

Deno.test("origins are as browsers send them; rates are whole numbers, 0 for none", () => {
  const environment = {
    DRAAS_ALLOWED_ORIGINS: "https://fleet.example, http://localhost:3000",
    DRAAS_READS_PER_SECOND: "0",
    DRAAS_CHANGES_PER_SECOND: "5",
  };
  const { allowedOrigins, readsPerSecond, changesPerSecond } = settingsOf({ environment });
  assertEquals(allowedOrigins, ["https://fleet.example", "http://localhost:3000"]);
  assertEquals([readsPerSecond, changesPerSecond], [0, 5]);
  for (
    const text of [
      "*",
      "null",
      "fleet.example",
      "https://fleet.example/",
      "https://fleet.example:443",
      "https://fleet.example,",
      "ftp://fleet.example",
    ]
  ) {
    const faults = faultsOf({ environment: { DRAAS_ALLOWED_ORIGINS: text } });
    assert(faults.length === 1 && faults[0]!.includes("https://fleet.example"), text);
  }
  assertEquals(faultsOf({ environment: { DRAAS_READS_PER_SECOND: "-1" } }).length, 1);
});

Deno.test("serve and a worker need a Redis; start does not, and a worker does not mind where an API listens", () => {
  for (const command of ["serve", "worker:process"] as const) {
    assertEquals(faultsOf({}, command), [
      `REDIS_URL: must be set for ${command}, for example redis://127.0.0.1:6379`,
    ]);
  }
  const environment = { REDIS_URL: "redis://r", DRAAS_HOST: "0.0.0.0" };
  assertEquals(settingsOf({ environment }, "worker:process").redisUrl, "redis://r");
  assertEquals(
    faultsOf({ environment }, "serve").length,
    1,
    "it would listen there, without a token",
  );
});

Deno.test("a worker has its own folder, and no stand-in unless it is asked for", () => {
  const environment = { REDIS_URL: "redis://r" };
  const { dataDir, standIn } = settingsOf({ environment }, "worker:process");
  assertEquals([dataDir, standIn], [".draas-worker", "never"]);
  const asked = { ...environment, DRAAS_STANDIN: "auto" };
  assertEquals(settingsOf({ environment: asked }, "worker:process").standIn, "auto");
});

Deno.test("labels add up: a flag counts more than the setting, and may be repeated", () => {
  const environment = { REDIS_URL: "redis://r", DRAAS_WORKER_LABELS: "zone=a, disk=ssd" };
  const args = ["--label", "zone=b", "--label=gpu="];
  const { workerLabels } = settingsOf({ environment, args }, "worker:process");
  assertEquals(workerLabels, { zone: "b", disk: "ssd", gpu: "" });
  for (const text of ["zone", "=a", "zo ne=a", "zone=a,,disk=b"]) {
    const faults = faultsOf({ environment, args: ["--label", text] }, "worker:process");
    assertEquals(faults.length, 1, text);
  }
});

Deno.test("times are written with their unit", () => {
  const environment = { REDIS_URL: "redis://r" };
  const args = ["--redis-wait", "1500ms", "--patience", "2m"];
  const { redisWaitMs, patienceMs } = settingsOf({ environment, args }, "worker:process");
  assertEquals([redisWaitMs, patienceMs], [1_500, 120_000]);
  for (const text of ["30", "2h", "-1s", "1.5s", "61m", "1w"]) {
    assertEquals(faultsOf({ environment, args: ["--redis-wait", text] }, "serve").length, 1, text);
  }
});

Deno.test("a log is bounded by days or by events, and keeps a day in any case", () => {
  const args = ["--retention", "30d", "--retention-events=1000000"];
  const { retentionMs, retentionEvents } = settingsOf({ args });
  assertEquals([retentionMs, retentionEvents], [30 * 86_400_000, 1_000_000]);
  assertEquals(faultsOf({ args: ["--retention", "23h", "--retention-events", "10"] }).length, 2);
});

Deno.test("each program knows its own flags", () => {
  const environment = { REDIS_URL: "redis://r" };
  assertEquals(firstWords(faultsOf({ environment, args: ["--slots", "4"] }, "serve")), [
    "--slots: is not a flag of serve; see --help",
  ]);
  assertEquals(
    faultsOf({ environment, args: ["--stop-on-exit", "--port=1"] }, "worker:process").length,
    2,
  );
});

Deno.test("REDIS_URL counts more than the connection string beside it", () => {
  const environment = { REDIS_URL: "redis://a", ConnectionStrings__Redis: "b:6379" };
  assertEquals(settingsOf({ environment }, "serve").redisUrl, "redis://a");
  const file = "ConnectionStrings__Redis: localhost:6379\n";
  assertEquals(settingsOf({ file }, "serve").redisUrl, "redis://localhost:6379");
});

Deno.test("a secret is in no message, also not one that came by a wrong flag or name", () => {
  const secret = "pass word";
  const faults = faultsOf({
    environment: { DRAAS_API_TOKEN: secret, DRAAS_PASSWORD: secret },
    file: `DRAAS_API_TOKEN: ${secret}\nDRAAS_SECRET: ${secret}\n`,
    args: ["--api-token", secret, `--token=${secret}`],
  });
  assertEquals(faults.length, 6);
  assert(!faults.join("\n").includes(secret), faults.join("\n"));
});

Deno.test("servers inherit an allow-list of the environment", () => {
  const environment = { PATH: "/bin", HOME: "/root", DRAAS_API_TOKEN: TOKEN, AWS_SECRET: "x" };
  assertEquals(inheritedEnvironment(environment), { PATH: "/bin", HOME: "/root" });
});

Deno.test("a worker's own tools inherit all but what is its own, and what would be loaded into them", () => {
  const theirs = {
    PATH: "/bin",
    SSH_AUTH_SOCK: "/run/agent",
    AWS_PROFILE: "x",
    DOCKER_CONFIG: "/c",
  };
  const own = {
    DRAAS_SECRET_A: "s",
    DRAAS_NAMESPACE: "n",
    REDIS_URL: "redis://:s@h",
    ConnectionStrings__Redis: "h,password=s",
    LD_PRELOAD: "/evil.so",
  };
  assertEquals(toolEnvironment({ ...theirs, ...own }), theirs);
});

Deno.test("the programs that copy a log need a file, and it is for them alone", () => {
  assertEquals(settingsOf({ args: ["--to", "a.gz"] }, "log:export").copyTo, "a.gz");
  assertEquals(settingsOf({ args: ["--from=-"] }, "log:import").copyFrom, "-");
  assertEquals(settingsOf({ args: ["--from", "-"] }, "backup:verify").copyFrom, "-");
  for (
    const [command, args, fault] of [
      ["log:export", [], "--to: must name the file to write, for example fleet.nd"],
      ["log:import", ["--from", ""], "--from: must name the file to read, for example fleet.n"],
      ["backup:verify", ["--from"], "--from: needs a value"],
      ["log:import", ["--from", "a", "--to", "b"], "--to: is not a flag of log:import; see --help"],
      ["start", ["--to", "b"], "--to: is not a flag; see --help"],
    ] as const
  ) {
    const [first = ""] = faultsOf({ args }, command);
    assert(first.startsWith(fault), first);
  }
});
