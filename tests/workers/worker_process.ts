/** A worker as a process of its own, for tests that kill it: starts one server, says so, stays. */
import { openProcessPlatform } from "../../workers/process/process_platform.ts";
import { defaults, started } from "./process_world.ts";

const [dataFolder = "", configuration = ""] = Deno.args;
const platform = await openProcessPlatform(defaults(dataFolder));
const info = await started(platform, JSON.parse(configuration));
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(info) + "\n"));
await new Promise((resolve) => setTimeout(resolve, 3_600_000));
