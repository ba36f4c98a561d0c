/** The program called wrongly, or where it cannot run: an exit code, every fault, and what to do. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram, startProgram, withDataDir, withProgram } from "./program.ts";

Deno.test("settings with wrong values end the program with code 2 and every fault", () =>
  withDataDir(async (dataDir) => {
    const { code, output } = await runProgram({
      dataDir,
      flags: ["--port", "65536", "--colour", "--namespace", "Über"],
      environment: {
        DRAAS_COMMAND_TIMEOUT_MS: "soon",
        DRAAS_API_TOKEN: "tooshort",
        DRAAS_COLOUR: "red",
      },
    });
    assertEquals(code, 2, output);
    for (
      const text of [
        'draas: --port: "65536" is not valid; it must be a whole number from 0 to 65535',
        "draas: --colour: is not a flag; see --help",
        'draas: --namespace: "Über" is not valid',
        'draas: DRAAS_COMMAND_TIMEOUT_MS: "soon" is not valid',
        "draas: DRAAS_API_TOKEN:",
        "draas: DRAAS_COLOUR: is not a setting",
      ]
    ) assertStringIncludes(output, text);
    assertEquals(output.includes("tooshort"), false, "a secret is not shown");
    assertEquals([...Deno.readDirSync(dataDir)], [], "nothing was begun");
  }));

Deno.test("an address that others can reach needs a token, and with one the API asks for it", () =>
  withDataDir(async (dataDir) => {
    const refused = await runProgram({ dataDir, flags: ["--host", "0.0.0.0"] });
    assertEquals(refused.code, 2, refused.output);
    assertStringIncludes(refused.output, "DRAAS_API_TOKEN must be set");
    const token = "0123456789abcdef-secret";
    const program = await startProgram({
      dataDir,
      flags: ["--host", "0.0.0.0"],
      environment: { DRAAS_API_TOKEN: token },
    });
    try {
      const list = "GET /api/server/instances";
      assertEquals((await program.call(list)).status, 401);
      const headers = { authorization: `Bearer ${token}` };
      assertEquals((await program.call(list, { headers })).status, 200);
      assertEquals(program.output().includes(token), false);
    } finally {
      await program.stop();
    }
  }));

Deno.test("a port of its own that is in use ends the program with code 1 and a way out", () =>
  withProgram(({ url }) =>
    withDataDir(async (dataDir) => {
      const { port } = new URL(url);
      const { code, output } = await runProgram({ dataDir, flags: ["--port", port] });
      assertEquals(code, 1, output);
      assertStringIncludes(output, `Port ${port} on 127.0.0.1 is in use by another program.`);
      assertStringIncludes(output, "DRAAS_PORT");
    })
  ));

Deno.test("a data folder that another program has is left alone", () =>
  withProgram(async ({ dataDir, create, call }) => {
    await create({ name: "one" });
    const { code, output } = await runProgram({ dataDir });
    assertEquals(code, 1, output);
    assertStringIncludes(output, dataDir);
    assertEquals((await call("GET /api/server/instances")).json.items.length, 1);
  }));
