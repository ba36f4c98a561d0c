/** What may be written while nodes of several releases are live, and how it is said to the older ones. */
import { assertEquals, assertThrows } from "@std/assert";
import { writableSchemas } from "../../adapters/redis/offered_schemas.ts";
import { OperationalError } from "../../events/errors.ts";
import { CURRENT_SCHEMA } from "../../events/instance_events.ts";
import { specificationSchema } from "../../events/specification.ts";
import { downcast, upcast } from "../../events/upcast.ts";

const specification = specificationSchema.parse({
  name: "one",
  template: "command",
  configuration: { command: ["true"] },
});

Deno.test("what is written is what every live node reads, and never newer than this release", () => {
  assertEquals(writableSchemas([]), CURRENT_SCHEMA);
  const older = { ...CURRENT_SCHEMA, InstanceCreated: 1 };
  const newer = { ...CURRENT_SCHEMA, InstanceCreated: 9 };
  assertEquals(writableSchemas([newer, older]), older);
  const { Baseline: _, ...without } = CURRENT_SCHEMA;
  assertEquals(writableSchemas([newer, without]).Baseline, 0);
});

Deno.test("an event in the older shape is lifted to the same event again", () => {
  const data = JSON.parse(JSON.stringify({ specification }));
  const lowered = downcast("InstanceCreated", data, 1);
  const stored = { position: "1-0", previous: null, instanceId: "i", version: 1, at: 1, meta: {} };
  const event = upcast({ ...stored, type: "InstanceCreated", schema: 1, data: lowered });
  assertEquals(event.data, data);
  assertEquals("onWorkerLost" in (lowered.specification as object), false);
});

Deno.test("what the older shape has no words for is refused while an older node is live", () => {
  const data = JSON.parse(
    JSON.stringify({ specification: { ...specification, onWorkerLost: "reschedule" } }),
  );
  for (const schema of [0, 1]) {
    const error = assertThrows(
      () => downcast("InstanceCreated", data, schema),
      OperationalError,
    );
    assertEquals([error.code, error.retryable], ["release_mixed", true]);
  }
});

Deno.test("limits are not told to an older release, which would start a server without them", () => {
  const limits = { memoryBytes: 67_108_864 };
  const created = JSON.parse(JSON.stringify({ specification }));
  const limited = { specification: { ...created.specification, limits } };
  assertEquals(downcast("InstanceCreated", created, 2), created);
  assertEquals(downcast("InstanceConfigured", { changes: { name: "two" } }, 1), {
    changes: { name: "two" },
  });
  const refused = [
    () => downcast("InstanceCreated", limited, 2),
    () => downcast("InstanceConfigured", { changes: { limits } }, 1),
    () => downcast("InstanceConfigured", { changes: { limits: {} } }, 1),
  ];
  for (const refusal of refused) {
    assertEquals(assertThrows(refusal, OperationalError).code, "release_mixed");
  }
});

Deno.test("a restart of a server that lives is not told to an older release, which would take it for ended", () => {
  const usual = { commandId: "c", generation: 2, acceptWithinMs: 1_000, site: null };
  assertEquals(downcast("RestartRequested", usual, 1), usual);
  for (const type of ["RestartRequested", "RestartScheduled"] as const) {
    const refusal = () => downcast(type, { ...usual, cause: "Unhealthy" }, 1);
    assertEquals(assertThrows(refusal, OperationalError).code, "release_mixed");
  }
});
