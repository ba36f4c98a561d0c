/** Secrets on a real host: servers get them, and nothing that anybody else can read has them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../events/json.ts";
import { NO_FENCE } from "../../workers/platform.ts";
import { maskedText } from "../../workers/secret_store.ts";
import {
  eventually,
  failureOf,
  fileText,
  type ProcessWorld,
  shell,
  started,
  startIt,
  withWorld,
  writeSecret,
} from "./process_world.ts";

const VALUE = 'hush "quoted" \\ line & more';

const keepSecret = (world: ProcessWorld, name: string, value = VALUE, mode?: number) =>
  writeSecret(world, name, `${value}\n`, mode);

/** All that the site keeps of its instances, as one text, without the files of `but`. */
async function keptText(folder: string, but: readonly string[]): Promise<string> {
  let text = "";
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) text += await keptText(path, but);
    else if (!but.includes(entry.name)) text += await Deno.readTextFile(path);
  }
  return text;
}

Deno.test("a server finds its secrets in its variables, from a file or from the worker's own", () =>
  withWorld(async (world) => {
    await keepSecret(world, "db-password");
    const env = { URL: "redis://:${secret:db-password}@host", KEY: "${secret:api.key}" };
    const script = 'printf %s "$URL $KEY" > found; exec sleep 9';
    const info = await started(world.platform, shell(script, { env }));
    assertEquals(await fileText(`${world.folder()}/found`), `redis://:${VALUE}@host of the worker`);
    const kept = await keptText(world.folder(), ["found"]);
    assert(!kept.includes("hush") && !kept.includes("of the worker"), kept);
    assert(!JSON.stringify(info).includes("hush"), "nor is it in what is reported");
    const shown = await Deno.readTextFile(`/proc/${info.processId}/cmdline`);
    assert(!shown.includes("hush"), "nor in its arguments");
  }, { secretVariables: { DRAAS_SECRET_API_KEY: "of the worker" } }));

Deno.test("what is missing, readable by others or empty is told by name, all at once, and is not tried again", () =>
  withWorld(async (world) => {
    await keepSecret(world, "open", "x", 0o644);
    await keepSecret(world, "empty", "");
    const env = { A: "${secret:none}", B: "${secret:open}", C: "${secret:empty}" };
    const { failure } = failureOf(await startIt(world.platform, shell("sleep 9", { env })));
    const folder = `${await Deno.realPath(world.dataFolder)}/secrets`;
    assertEquals(failure, {
      code: "secret_empty",
      message: `The secret empty is empty on this worker's host. Put it into ${folder}/empty ` +
        "(mode 0600), or into the worker's variable DRAAS_SECRET_EMPTY. " +
        `The secret none is not on this worker's host. Put it into ${folder}/none ` +
        "(mode 0600), or into the worker's variable DRAAS_SECRET_NONE. " +
        `The secret open can be read by other users of the host. Run: chmod 600 ${folder}/open`,
      retryable: false,
    });
    assertEquals(await world.platform.inspect("i-1"), null);
  }));

Deno.test("a server that says its secret before it fails is not quoted with it", () =>
  withWorld(async (world) => {
    await keepSecret(world, "db-password");
    const script = 'echo "cannot log in with $PASSWORD"; exit 3';
    const env = { PASSWORD: "${secret:db-password}" };
    const outcome = failureOf(await startIt(world.platform, shell(script, { env })));
    assertStringIncludes(outcome.failure.message, "cannot log in with (secret)");
    assertEquals(outcome.runtimeInfo?.logTail, "cannot log in with (secret)");
    assertEquals(await world.platform.logs("i-1", 9), ["cannot log in with (secret)"]);
  }));

Deno.test("a later worker hides it too, also one whose secret was changed since, or nothing is shown", () =>
  withWorld(async (world) => {
    await keepSecret(world, "key", "the first value");
    const script = 'echo "key $KEY"; while [ ! -e ../../end ]; do sleep 0.05; done; exit 1';
    await started(world.platform, shell(script, { env: { KEY: "${secret:key}" } }));
    await keepSecret(world, "key", "the second value");
    assertEquals(await world.platform.logs("i-1", 9), ["key (secret)"], "this one remembers");

    await keepSecret(world, "key", "the first value");
    await world.platform.close();
    const later = await world.reopen();
    const exits: (string | undefined)[] = [];
    later.onExit(({ logTail }) => exits.push(logTail));
    await later.inventory();
    await Deno.writeTextFile(`${world.dataFolder}/end`, "");
    await eventually("its exit", () => exits.length > 0);
    assertEquals(exits, ["key (secret)"]);

    await Deno.remove(`${world.dataFolder}/secrets/key`);
    const last = await world.reopen();
    const [text = ""] = await last.logs("i-1", 9);
    assertStringIncludes(text, "(withheld: the secret key cannot be read");
  }));

Deno.test("what an earlier run said stays hidden when the configuration names its secret no more", () =>
  withWorld(async (world) => {
    await keepSecret(world, "key");
    const script = 'echo "key $KEY"; exec sleep 9';
    const fence = (generation: number) => ({ fence: { generation, attempt: 1 } });
    await started(world.platform, shell(script, { env: { KEY: "${secret:key}" } }));
    for (const generation of [2, 3]) {
      await world.platform.stop("i-1", NO_FENCE);
      await started(world.platform, shell(script), fence(generation));
    }
    await world.platform.close();
    const later = await world.reopen();
    assertEquals(await later.logs("i-1", 9), ["key (secret)", "key ", "key "]);
  }));

Deno.test("a drasi-server finds its secrets in its configuration, which is for its own user alone", () =>
  withWorld(async (world) => {
    await keepSecret(world, "db-password");
    const stub = `${world.dataFolder}/stub`;
    await Deno.writeTextFile(stub, '#!/bin/sh\ncat "$2"; stat -c %a "$2"; exit 1\n', {
      mode: 0o700,
    });
    const platform = await world.reopen({
      drasiServer: { drasiServerBin: stub, standIn: "never", standInCommand: null },
    });
    const configuration: JsonObject = {
      sources: [{ kind: "postgres", id: "orders", password: "${secret:db-password}" }],
    };
    const outcome = await startIt(platform, configuration, { template: "drasi-server" });
    const { failure } = failureOf(outcome);
    assertStringIncludes(failure.message, '"password": ***');
    assertStringIncludes(failure.message, "600");
    const log = await Deno.readTextFile(`${world.folder()}/logs/stdout.log`);
    const written = JSON.parse(log.slice(0, log.lastIndexOf("}") + 1));
    assertEquals(written.sources[0].password, VALUE);
    await platform.remove("i-1", NO_FENCE);
  }));

Deno.test("a secret is hidden in each form in which programs write it, long ones first", () => {
  assertEquals(
    maskedText('p@ss "x" p%40ss%20%22x%22 {"p":"p@ss \\"x\\""} p', ['p@ss "x"']),
    '(secret) (secret) {"p":"(secret)"} p',
  );
  assertEquals(maskedText("abc abcd", ["abc", "abcd"]), "(secret) (secret)");
  const key = "-----BEGIN KEY-----\nc2VjcmV0\nend";
  assertEquals(maskedText("read c2VjcmV0, end", [key]), "read (secret), end");
});
