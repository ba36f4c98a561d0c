/** A worker as a process of its own, for tests that kill it: starts one server (or adopts what runs), says so, stays. */
import { openProcessPlatform } from "../../workers/process/process_platform.ts";
import { defaults, started } from "./process_world.ts";

const [dataFolder = "", configuration = "", options = "{}"] = Deno.args;
const platform = await openProcessPlatform({ ...defaults(dataFolder), ...JSON.parse(options) });
const info = configuration === "adopt"
  ? (await platform.inventory())[0]
  : await started(platform, JSON.parse(configuration));
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(info) + "\n"));
await new Promise((resolve) => setTimeout(resolve, 3_600_000));
