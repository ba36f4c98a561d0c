/** Looking for what lives costs little where most has ended: a worker does so every half minute. */
import { assertEquals } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { openShellProcessTable } from "../../workers/process/shell_process_table.ts";
import { shell, started, withWorld } from "./process_world.ts";

const steady = shell("exec sleep 1000");
const IDS = ["i-1", "i-2", "i-3"];

Deno.test("instances that are known to have ended are not looked at again, until they run again", () => {
  const questions: string[] = [];
  return withWorld(async ({ platform }) => {
    for (const instanceId of IDS) await started(platform, steady, { instanceId });
    for (const instanceId of IDS) await platform.stop(instanceId, NO_FENCE);

    questions.length = 0;
    await platform.inventory("live");
    assertEquals(questions.sort(), IDS, "each is looked at once");
    questions.length = 0;
    assertEquals(await platform.inventory("live"), []);
    assertEquals(questions, []);

    const fence = { generation: 2, attempt: 1 };
    const again = await started(platform, steady, { instanceId: "i-2", fence });
    assertEquals(await platform.inventory("live"), [again]);
    assertEquals((await platform.inventory()).map(({ instanceId }) => instanceId), IDS);

    await platform.stop("i-2", fence);
    questions.length = 0;
    assertEquals(await platform.inventory("live"), [await platform.inspect("i-2")]);
    assertEquals(questions, ["i-2"]);
    assertEquals(await platform.inventory("live"), []);
  }, {
    openProcessTable(clock, instancesFolder, path) {
      const table = openShellProcessTable(clock, instancesFolder, path);
      return {
        ...table,
        isLocked: (instanceId) => (questions.push(instanceId), table.isLocked(instanceId)),
      };
    },
  });
});
