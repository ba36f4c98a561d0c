/** What a worker meets while it begins: servers that end before it is registered. Design §4 rule 7. */
import { assertEquals } from "@std/assert";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { withApi } from "../http/support/api_world.ts";
import { STOPPED_AT } from "../http/support/scripted_platform.ts";
import { eventually } from "./process_world.ts";

Deno.test("a server that ends between inventory and registration is reported, and the worker works on", () =>
  withApi(async ({ call, create, startWorker, stopWorker, platform }) => {
    await startWorker();
    const id = await create({ restartPolicy: { mode: "never" } });
    const at = `/api/server/instances/${id}`;
    await call(`POST ${at}/start`);
    await stopWorker();
    let tell: (exited: RuntimeInfo) => void = () => {};
    const onExit = (listener: (exited: RuntimeInfo) => void) => void (tell = listener);
    Object.assign(platform, { onExit });
    const inventory = platform.inventory.bind(platform);
    platform.inventory = async () => {
      const found = await inventory();
      const exit = { code: 3, signal: null, reason: "Exited" as const, message: "exited with 3" };
      const [run] = found;
      if (run) tell({ ...run, status: "Stopped", stoppedAt: STOPPED_AT, exit });
      // The report is on its way before the registration is asked for.
      await new Promise((done) => setTimeout(done, 0));
      return found;
    };
    await startWorker();
    await eventually("the exit is in the log", async () => {
      const { json } = await call(`GET ${at}`);
      return json.status === "Failed";
    });
    await platform.remove(id);
    const { status } = await call(`POST ${at}/start`);
    assertEquals(status, 200, "the worker was not sent away");
  }));
