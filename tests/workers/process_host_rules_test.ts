/** What a host's owner does not allow is refused before anything is spawned, whatever name it is asked for by. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { readHostPolicy } from "../../programs/policy_file.ts";
import { type HostPolicy, openPolicy, strictPolicy } from "../../workers/policy/host_policy.ts";
import {
  eventually,
  failureOf,
  fileText,
  type ProcessWorld,
  started,
  startIt,
  withWorld,
} from "./process_world.ts";

const open = openPolicy("worker.yaml");

/** A world whose `worker.yaml` is made for its folder. */
function withPolicy(
  file: (folder: string) => string,
  test: (world: ProcessWorld, folder: string) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/worker.yaml`, file(folder));
    const policy = await readHostPolicy(`${folder}/worker.yaml`, strictPolicy("worker.yaml"));
    await withWorld((world) => test(world, folder), { policy });
  });
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-policy-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a start is refused with; fails if anything was spawned. */
async function refusal(world: ProcessWorld, configuration: Parameters<typeof startIt>[1]) {
  const { failure } = failureOf(await startIt(world.platform, configuration));
  assertEquals([failure.code, failure.retryable], ["host_refused", false], failure.message);
  assertEquals(await world.platform.inspect("i-1"), null, "nothing ran");
  return failure.message;
}

Deno.test("a host whose owner says nothing runs no command for a worker that takes its work from elsewhere", () =>
  withWorld(async (world) => {
    assertEquals(
      await refusal(world, { command: ["sleep", "9"] }),
      'refused by worker.yaml (this host has none), rule "templates": ' +
        "this host runs no command; it runs drasi-server",
    );
  }, { policy: strictPolicy("worker.yaml (this host has none)") }));

Deno.test("one line in worker.yaml allows it", () =>
  withPolicy(() => "templates: [drasi-server, command]", async ({ platform }) => {
    await started(platform, { command: ["sleep", "9"] });
  }));

Deno.test("only listed programs run, by the name that is listed, also through links to folders", () =>
  withPolicy(
    (folder) => `{templates: [command], binaries: ["${folder}/link/*", /bin/sleep]}`,
    async (world, folder) => {
      await Deno.mkdir(`${folder}/real`);
      await Deno.symlink(`${folder}/real`, `${folder}/elsewhere`);
      await Deno.symlink("/bin/sh", `${folder}/elsewhere/sh`);
      for (const program of ["sh", "/bin/sh", `${folder}/elsewhere/sh`]) {
        const message = await refusal(world, { command: [program, "-c", "sleep 9"] });
        assertStringIncludes(message, 'rule "binaries": ');
      }
      await started(world.platform, { command: ["sleep", "9"] });
    },
  ));

Deno.test("a program that asks a server how it is, is held to the same list", () =>
  withPolicy(() => "{templates: [command], binaries: [/bin/sleep]}", async (world) => {
    const asked = { command: ["sh", "-c", "true"] };
    for (const probe of [{ readiness: asked }, { liveness: asked }]) {
      const message = await refusal(world, { command: ["/bin/sleep", "9"], ...probe });
      assertStringIncludes(message, 'refused by worker.yaml, rule "binaries"');
    }
  }));

Deno.test("a worker asks a server that it found only by what its host allows now", () =>
  withWorld(async ({ platform, dataFolder, folder, reopen }) => {
    for (const id of ["allowed", "forbidden"]) {
      const program = `${dataFolder}/${id}`;
      await Deno.writeTextFile(program, "#!/bin/sh\necho asked >>asked\n", { mode: 0o700 });
      const liveness = { command: [program], intervalMs: 500 };
      await started(platform, { command: ["sleep", "1000"], liveness }, { instanceId: id });
    }
    const timesAsked = async (id: string) => (await fileText(`${folder(id)}/asked`)).length;
    await timesAsked("forbidden");
    await platform.close();
    const before = await timesAsked("allowed");
    const own = await Deno.realPath(dataFolder);
    const policy = { ...open, binaries: [`${own}/allowed`] };
    await (await reopen({ policy })).inventory();
    const last = await timesAsked("forbidden");
    await eventually("asked twice more", async () => await timesAsked("allowed") > before + 6);
    assertEquals(await timesAsked("forbidden"), last);
  }));

Deno.test("a link or dots within an allowed folder lead to no other program", () =>
  withPolicy(
    (folder) => `{templates: [command], binaries: ["${folder}/**"]}`,
    async (world, folder) => {
      await Deno.symlink("/bin", `${folder}/link`);
      for (const program of [`${folder}/link/sh`, `${folder}/../../bin/sh`]) {
        const message = await refusal(world, { command: [program, "-c", "sleep 9"] });
        assertStringIncludes(message, `is not one of ${await Deno.realPath(folder)}/**`);
      }
    },
  ));

Deno.test("a pattern names the folder that a link leads to", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/real`);
    await Deno.symlink(`${folder}/real`, `${folder}/link`);
    await Deno.copyFile("/bin/sleep", `${folder}/real/nap`);
    await Deno.writeTextFile(
      `${folder}/worker.yaml`,
      `{templates: [command], binaries: ["${folder}/link/*"]}`,
    );
    const policy = await readHostPolicy(`${folder}/worker.yaml`, strictPolicy("worker.yaml"));
    await withWorld(async ({ platform }) => {
      await started(platform, { command: [`${folder}/real/nap`, "9"] });
    }, { policy });
  }));

Deno.test("a working directory leads nowhere else by a link or by dots", () =>
  withPolicy(
    (folder) => `{templates: [command], folders: ["${folder}/apps"]}`,
    async (world, folder) => {
      await Deno.mkdir(`${folder}/apps/one`, { recursive: true });
      await Deno.symlink("/", `${folder}/apps/root`);
      const run = { command: ["sleep", "9"] };
      for (const workingDirectory of ["/", `${folder}/apps/root`, `${folder}/apps/../`]) {
        const message = await refusal(world, { ...run, workingDirectory });
        assertStringIncludes(message, 'rule "folders": ');
      }
      await started(world.platform, { ...run, workingDirectory: `${folder}/apps/one` });
    },
  ));

Deno.test("a drasi-server keeps its state where its host allows it, and loads only verified plugins", () => {
  const policy: HostPolicy = { ...strictPolicy("worker.yaml"), folders: [] };
  return withWorld(async ({ platform }) => {
    const template = "drasi-server" as const;
    const told = async (configuration: Parameters<typeof startIt>[1]) =>
      failureOf(await startIt(platform, configuration, { template })).failure.message;
    assertStringIncludes(
      await told({ stateStore: { kind: "redb", path: "../../state.redb" } }),
      'rule "folders": ',
    );
    assertStringIncludes(
      await told({ verifyPlugins: false, pluginRegistry: "example.org/plugins" }),
      'rule "plugins": verifyPlugins: false would let plugins in that are not verified; ' +
        'rule "plugins": pluginRegistry would',
    );
  }, {
    policy,
    drasiServer: { drasiServerBin: "/bin/true", standIn: "never", standInCommand: null },
  });
});

Deno.test("a port that a configuration names is in the host's range, or refused", () =>
  withWorld(async (world) => {
    assertStringIncludes(
      await refusal(world, { command: ["sleep", "9"], port: 80 }),
      'rule "ports": port 80 is not in 21000-21010',
    );
  }, { policy: { ...open, ports: { from: 21_000, to: 21_010 }, isPortRangeBinding: true } }));
