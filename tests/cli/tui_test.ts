/** `draas tui`: opens where a terminal is and a control plane lets it in, and says else why not. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { FleetPort } from "../../http/client/fleet_port.ts";
import { refusedConnection, withCli } from "./support/cli_world.ts";
import { bookOf } from "../http/support/tokens.ts";

Deno.test("the terminal UI is given the fleet that the command line asks", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web" });
    let names: string[] = [];
    const showFleet = async (fleet: FleetPort) => {
      names = (await fleet.instances.list()).items.map(({ name }) => name);
    };
    const { code, stdout } = await draas("tui", { isTerminal: true, showFleet });
    assertEquals([code, stdout, names], [0, "", ["web"]]);
  }));

Deno.test("without a terminal, a control plane or a token nothing is opened", () =>
  withCli(async ({ draas }) => {
    const showFleet = () => {
      throw new Error("nothing is to be opened");
    };
    const piped = await draas("tui", { showFleet });
    assertEquals(piped.code, 2);
    assertStringIncludes(piped.stderr, "The terminal UI needs a terminal.");
    assertEquals((await draas("tui", { isTerminal: true, showFleet })).code, 1);
    const fetch = () => {
      throw refusedConnection();
    };
    assertEquals((await draas("tui", { isTerminal: true, showFleet, fetch })).code, 6);
  }, { tokens: bookOf("a-token-nobody-must-see", "admin") }));
