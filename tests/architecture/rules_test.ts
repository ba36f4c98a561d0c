/** Each architecture rule fails on a made-up source that breaks it, and passes on one that does not. */
import { assertEquals } from "@std/assert";
import {
  clockFaults,
  consoleFaults,
  environmentFaults,
  firstSentenceFaults,
  hostFaults,
  leftoverFaults,
  nameFaults,
  sizeFaults,
  statusFaults,
} from "./code_rules.ts";
import { cycleFaults, importFaults, libraryFaults } from "./import_rules.ts";
import { readSource, type SourceFile } from "./source_file.ts";

type Rule = (files: readonly SourceFile[]) => string[];
type Source = [path: string, text: string];

const put = "TO" + "DO";

const broken: [string, Rule, Source, string][] = [
  ["an import that the table does not have", importFaults, [
    "machines/decide.ts",
    'import { x } from "../actors/mailbox.ts";',
  ], "machines/decide.ts:1 imports actors/mailbox.ts; machines/ may import events/"],
  ["a re-export that the table does not have", importFaults, [
    "events/ids.ts",
    '\nexport { x } from "../machines/plan.ts";',
  ], "events/ids.ts:2 imports machines/plan.ts; events/ may import nothing of ours"],
  ["an import at run time that the table does not have", importFaults, [
    "config.ts",
    'await import("./tui/shell/open_tui.tsx");',
  ], "config.ts:1 imports tui/shell/open_tui.tsx; config.ts may import events/, settings/"],
  [
    "more of the actors than their port",
    importFaults,
    [
      "http/app.ts",
      'import type { X } from "../actors/leader.ts";',
    ],
    "http/app.ts:1 imports actors/leader.ts; http/ may import events/, machines/, fleet/, actors/system_port.ts",
  ],
  [
    "one platform that knows another",
    importFaults,
    [
      "workers/docker/docker_platform.ts",
      'import { x } from "../process/shim.ts";',
    ],
    "workers/docker/docker_platform.ts:1 imports workers/process/shim.ts; workers/docker/ may import events/, workers/, workers/templates/",
  ],
  ["a part that imports the composition root", importFaults, [
    "workers/heartbeat.ts",
    'import { VERSION } from "../main.ts";',
  ], "workers/heartbeat.ts:1 imports main.ts; workers/ may import events/"],
  ["a part that imports a program", importFaults, [
    "workers/heartbeat.ts",
    'import { VERSION } from "../programs/version.ts";',
  ], "workers/heartbeat.ts:1 imports programs/version.ts; workers/ may import events/"],
  ["a program that imports the entry", importFaults, [
    "programs/serve.ts",
    'import { main } from "../main.ts";',
  ], "programs/serve.ts:1 imports main.ts; programs/ may import nothing of ours"],
  [
    "a folder that the table does not know",
    importFaults,
    ["extra/x.ts", ""],
    "extra/x.ts belongs to no part of the import table",
  ],
  ["a library outside its folder", libraryFaults, [
    "http/app.ts",
    'import { setup } from "xstate";',
  ], "http/app.ts:1 imports xstate, which belongs in machines/"],
  [
    "a library's package outside its folder",
    libraryFaults,
    [
      "workers/worker_loop.ts",
      'import k8s from "@kubernetes/client-node";',
    ],
    "workers/worker_loop.ts:1 imports @kubernetes/client-node, which belongs in workers/kubernetes/",
  ],
  ["chance by another name", libraryFaults, [
    "actors/asker.ts",
    'import { randomUUID } from "node:crypto";',
  ], "actors/asker.ts:1 takes randomUUID from the host; use the port Ids or Randomness"],
  ["an environment that is read elsewhere", environmentFaults, [
    "main.ts",
    'const x = Deno.env.get("X");',
  ], "main.ts:1 Deno.env is read in config.ts only"],
  [
    "an environment that is read in passing",
    hostFaults,
    [
      "actors/leader.ts",
      "const { env } = Deno;",
    ],
    "actors/leader.ts:1 Deno belongs in main.ts, cli/draas.ts, config.ts, programs/, adapters/, workers/, http/server.ts",
  ],
  [
    "the host's type in a port",
    hostFaults,
    [
      "events/event_log.ts",
      "let x: Deno.FsFile;",
    ],
    "events/event_log.ts:1 Deno.FsFile belongs in main.ts, cli/draas.ts, config.ts, programs/, adapters/, workers/, http/server.ts",
  ],
  ["a status of an error in a route", statusFaults, [
    "http/routes/x.ts",
    "return context.json({}, ready ? 200 : 503);",
  ], "http/routes/x.ts:1 answers 503; statuses of errors are made in http/problem.ts"],
  ["a status of an error in a response", statusFaults, [
    "http/sse.ts",
    'new Response("", { status: 404 });',
  ], "http/sse.ts:1 answers 404; statuses of errors are made in http/problem.ts"],
  [
    "a word for the console",
    consoleFaults,
    ["tui/app.ts", "console.log(1);"],
    "tui/app.ts:1 console.log is not used here",
  ],
  [
    "a file of 401 lines",
    sizeFaults,
    ["events/x.ts", "1;\n".repeat(401)],
    "events/x.ts has 401 lines; at most 400",
  ],
  ["a function of 71 lines", sizeFaults, [
    "events/x.ts",
    `\nfunction long() {\n${"1;\n".repeat(69)}}`,
  ], "events/x.ts:2 long has 71 lines; at most 70"],
  ["an arrow function of 71 lines", sizeFaults, [
    "events/x.ts",
    `const long = () => {\n${"1;\n".repeat(69)}};`,
  ], "events/x.ts:1 long has 71 lines; at most 70"],
  ["no first sentence", firstSentenceFaults, [
    "events/x.ts",
    'import { z } from "zod";\n/** Something that comes too late. */',
  ], "events/x.ts does not begin with a doc comment that says what it is"],
  [
    "a name that says nothing",
    nameFaults,
    ["http/string_utils.ts", ""],
    "http/string_utils.ts has a name that says nothing",
  ],
  [
    "a folder whose name says nothing",
    nameFaults,
    ["actors/common/x.ts", ""],
    "actors/common/x.ts has a name that says nothing",
  ],
  [
    "a name in another spelling",
    nameFaults,
    ["actors/leaderElection.ts", ""],
    "actors/leaderElection.ts is not snake_case",
  ],
  [
    "work put off",
    leftoverFaults,
    ["actors/x.ts", `\n// ${put}: later`],
    `actors/x.ts:2 has work left over: // ${put}: later`,
  ],
];
for (const [what, rule, [path, text], expected] of broken) {
  Deno.test(`found: ${what}`, () => assertEquals(rule([readSource(path, text)]), [expected]));
}

for (
  const [name, text] of [
    ["Date.now", "const now = Date.now;"],
    ["new Date()", "new Date().toISOString();"],
    ["Date", "const text = Date();"],
    ["performance.now", "performance.now();"],
    ["Math.random", "Math.random();"],
    ["Math", "const { random } = Math;"],
    ["crypto.randomUUID", "crypto.randomUUID();"],
    ["crypto.getRandomValues", "crypto.getRandomValues(bytes);"],
    ["AbortSignal.timeout", "fetch(url, { signal: AbortSignal.timeout(1) });"],
    ["setTimeout", "const timer = setTimeout(run, 1);"],
    ["setInterval", "globalThis.x = setInterval;"],
    ["queueMicrotask", "queueMicrotask(run);"],
  ] as const
) {
  Deno.test(`found: the host's ${name} in a machine`, () =>
    assertEquals(clockFaults([readSource("machines/x.ts", text)]), [
      `machines/x.ts:1 ${name} belongs behind the ports Clock, Ids, Randomness`,
    ]));
}

Deno.test("found: files that import each other in a circle", () => {
  const files = [
    readSource("events/a.ts", 'import "./b.ts";'),
    readSource("events/b.ts", 'import type { C } from "./deep/c.ts";'),
    readSource("events/deep/c.ts", 'import { a } from "../a.ts";'),
  ];
  assertEquals(cycleFaults(files), [
    "import cycle: events/a.ts -> events/b.ts -> events/deep/c.ts -> events/a.ts",
  ]);
  assertEquals(cycleFaults(files.slice(0, 2)), []);
});

Deno.test("what the rules allow, they leave alone", () => {
  const files = [
    readSource(
      "adapters/host/host_clock.ts",
      "/** The clock of this very host. */\nexport const now = () => Date.now();\nsetTimeout(now, 1);",
    ),
    readSource(
      "http/app.ts",
      '/** The routes, all in one. */\nimport type { X } from "../actors/system_port.ts";\n' +
        'import { Hono } from "hono";\nwholeNumber(1, 500);\nnew Date(at).toISOString();\n' +
        "clock.setTimeout(1); Math.max(1, 2); crypto.subtle.digest(a, b); context.json({}, 200);",
    ),
    readSource(
      "adapters/sqlite/sqlite_file.ts",
      '/** The file of the log. */\nimport { x } from "../embedded/step.ts";\n' +
        'import { DatabaseSync } from "node:sqlite";\nDeno.mkdirSync(folder);',
    ),
  ];
  const rules = [
    clockFaults,
    consoleFaults,
    cycleFaults,
    environmentFaults,
    firstSentenceFaults,
    hostFaults,
    importFaults,
    leftoverFaults,
    libraryFaults,
    nameFaults,
    sizeFaults,
    statusFaults,
  ];
  assertEquals(rules.flatMap((rule) => rule(files)), []);
});
