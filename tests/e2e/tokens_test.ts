/** Tokens with roles on the real program: exchanged while it runs, refused at its start when they are not in order. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { tokenDigest } from "../../events/access_tokens.ts";
import { EventReader } from "../http/support/event_reader.ts";
import { bearer } from "../http/support/tokens.ts";
import { runProgram, startProgram, until, withDataDir } from "./program.ts";
import { ControlPlane } from "./support/control_plane.ts";

const LIST = "GET /api/server/instances";
/** Between a change of the file and its effect. */
const LIMIT_MS = 2_000;
const [OLD, NEW, ADMIN] = ["old", "new", "admin"].map((name) => `draas_${name.repeat(15)}`);

function line(name: string, role: string, token: string): string {
  return `- { name: ${name}, role: ${role}, sha256: ${tokenDigest(token)} }\n`;
}

/** How long it takes until `isSo`, milliseconds. */
async function msUntil(what: string, isSo: () => Promise<boolean>): Promise<number> {
  const begin = performance.now();
  await until(what, isSo);
  return performance.now() - begin;
}

Deno.test("tokens are exchanged while the program runs, and what an old one reads ends with it", () =>
  withDataDir(async (folder) => {
    const file = `${folder}/tokens.yaml`;
    const rest = line("ann", "admin", ADMIN!);
    await Deno.writeTextFile(file, rest + line("ci", "operator", OLD!));
    const program = await startProgram({
      dataDir: `${folder}/data`,
      flags: ["--host", "0.0.0.0", "--tokens-file", file],
    });
    const statusWith = async (token: string) =>
      (await program.call(LIST, { headers: bearer(token) })).status;
    try {
      assertEquals((await program.call(LIST)).status, 401, "beyond loopback a token is needed");
      assertEquals([await statusWith(OLD!), await statusWith(NEW!)], [200, 401]);
      const created = await program.call("POST /api/server/instances", {
        body: { name: "web" },
        headers: bearer(OLD!),
      });
      assertEquals(created.status, 201);
      const events = await program.call(`GET ${created.headers.get("location")}/events`, {
        headers: bearer(ADMIN!),
      });
      assertEquals(events.json.items[0].requestedBy, "ci");
      const response = await fetch(`${program.url}/api/events`, { headers: bearer(OLD!) });
      const stream = new EventReader(response);
      await stream.take(1);

      await Deno.writeTextFile(file, rest + line("ci", "operator", NEW!));
      const ended = stream.next();
      // Whoever asks so often without a right token is refused as too many, after a while.
      const tookMs = await msUntil(
        "the new token, and no old one",
        async () => await statusWith(NEW!) === 200 && await statusWith(OLD!) !== 200,
      );
      assert(tookMs <= LIMIT_MS, `it took ${tookMs} ms`);
      assertEquals(await ended, null);
      assertEquals(await statusWith(ADMIN!), 200);
      assertStringIncludes(program.output(), `${file} has changed: 2 tokens in it.`);

      await Deno.writeTextFile(file, rest + line("ci", "root", OLD!));
      await until("the warning", async () => {
        const { warnings } = (await program.call("GET /readyz")).json;
        return warnings?.[0].startsWith("the tokens file is not in order since ");
      });
      assertStringIncludes(
        program.output(),
        `${file} has changed and is not in order: entry 2 (ci), role: must be viewer, operator or admin`,
      );
      assertEquals([await statusWith(NEW!), await statusWith(OLD!) !== 200], [200, true]);
      for (const token of [OLD!, NEW!, ADMIN!]) assert(!program.output().includes(token));
    } finally {
      await program.stop();
    }
  }));

Deno.test("a tokens file that is not in order, or not there, ends the program with every fault", () =>
  withDataDir(async (folder) => {
    const file = `${folder}/tokens.yaml`;
    const dataDir = `${folder}/data`;
    await Deno.writeTextFile(file, `${line("ci", "root", OLD!)}- { name: leader, role: viewer }\n`);
    const wrong = await runProgram({ dataDir, flags: ["--tokens-file", file] });
    assertEquals(wrong.code, 2, wrong.output);
    for (
      const text of [
        `draas: ${file} is not in order:`,
        "  entry 1 (ci), role: must be viewer, operator or admin",
        "  entry 2 (leader), name: is a name that DRaaS itself has in the log",
        "  entry 2 (leader), sha256: must be there",
      ]
    ) assertStringIncludes(wrong.output, text);
    const environment = { DRAAS_TOKENS_FILE: `${folder}/nowhere.yaml` };
    const missing = await runProgram({ dataDir, environment });
    assertEquals(missing.code, 2, missing.output);
    assertStringIncludes(
      missing.output,
      `draas: ${folder}/nowhere.yaml cannot be read: No such file`,
    );
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["tokens.yaml"]);
  }));

Deno.test("serve reads no tokens file but where it may, and says where that is", () =>
  withDataDir(async (folder) => {
    const file = `${folder}/tokens.yaml`;
    await Deno.writeTextFile(file, line("ci", "viewer", OLD!));
    const environment = { REDIS_URL: "redis://127.0.0.1:1", DRAAS_TOKENS_FILE: file };
    const { code, stderr } = await new ControlPlane([], environment, "serve").ended;
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, `draas: ${file} cannot be read: `);
    assertStringIncludes(stderr, "may read tokens.yaml in its folder, and what is in /etc/draas");
  }));
