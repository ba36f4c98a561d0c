/** A patch is made of what the log has, on any node: also on one whose tail has not told it yet. Design §3, §4 rule 11. */
import { assertEquals } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { type Node, withNodes } from "../actors/nodes_world.ts";
import { type ApiClient, apiClient, assertProblem } from "./support/api_client.ts";
import { apiOptions } from "./support/api_world.ts";

const CONFIGURATIONS = "/api/configuration/instances";

const apiOf = ({ system }: Node) => apiClient(createHttpApp(apiOptions(system)));

/** Two nodes over one instance; the second one's tail tells nothing. */
function lateTest(
  sentence: string,
  run: (first: ApiClient, late: ApiClient, at: string) => Promise<void>,
): void {
  Deno.test(sentence, () =>
    withNodes(async (world) => {
      const [first, late] = [await world.node("first"), await world.node("late")];
      late.log.holdTail();
      const id = await first.create();
      await late.system.get(id);
      await run(apiOf(first), apiOf(late), `${CONFIGURATIONS}/${id}`);
      late.log.releaseTail();
    }));
}

const replacing = (word: string) => [{ op: "replace", path: "/command/0", value: word }];

lateTest("a late node patches what the other one made", async (first, late, at) => {
  const body = [{ op: "add", path: "/command/-", value: "a" }];
  await first(`PATCH ${at}`, { body });
  const patched = await late(`PATCH ${at}`, { body });
  assertEquals([patched.json.configuration.command, patched.json.revision], [
    ["/bin/true", "a", "a"],
    3,
  ]);
});

lateTest("what fails on a late node fails by what the log has", async (first, late, at) => {
  await first(`PATCH ${at}`, { body: replacing("/bin/false") });
  const tested = (word: string) => [{ op: "test", path: "/command/0", value: word }];
  const refused = await late(`PATCH ${at}`, { body: tested("/bin/true") });
  assertProblem(refused, 409, "patch_test_failed");
  const held = await late(`PATCH ${at}`, { body: tested("/bin/false") });
  assertEquals([held.status, held.json.changed], [200, false]);
});

lateTest(
  "a late node goes back to a revision that it had not heard of",
  async (first, late, at) => {
    await first(`PATCH ${at}`, { body: replacing("b") });
    await first(`PATCH ${at}`, { body: replacing("c") });
    const back = await late(`POST ${at}/rollback`, { body: { revision: 2 } });
    assertEquals([back.json.revision, back.json.configuration], [4, { command: ["b"] }]);
  },
);

lateTest(
  "a patch that one node has answered under its key is not made again by the other",
  async (first, late, at) => {
    const patch = {
      body: [{ op: "add", path: "/command/-", value: "a" }],
      headers: { "idempotency-key": "k1" },
    };
    const answers = [await first(`PATCH ${at}`, patch), await late(`PATCH ${at}`, patch)];
    assertEquals(answers.map(({ json }) => [json.revision, json.position]), [
      [2, answers[0]!.json.position],
      [2, answers[0]!.json.position],
    ]);
  },
);
