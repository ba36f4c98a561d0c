/** Starts of images, as tests of every platform that runs them ask for them. */
import type { JsonObject } from "../../events/json.ts";
import type { StartSpec } from "../../workers/platform.ts";

/** A start of instance `i-1`. */
export function imageSpec(configuration: JsonObject, more: Partial<StartSpec> = {}): StartSpec {
  return {
    instanceId: "i-1",
    runId: crypto.randomUUID(),
    fence: { generation: 1, attempt: 1 },
    template: "image",
    configuration,
    spawnWithinMs: 10_000,
    ...more,
  };
}
