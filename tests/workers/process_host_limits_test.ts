/** What worker.yaml says of limits and users, held on real servers: more is refused by the rule's name. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { openPolicy } from "../../workers/policy/host_policy.ts";
import {
  eventually,
  failureOf,
  fileText,
  shell,
  started,
  startIt,
  withWorld,
} from "./process_world.ts";
import { testAsRoot } from "../support/tools.ts";

const OPEN = openPolicy("worker.yaml");
const FEW_FILES = { ...OPEN, limits: { ...OPEN.limits, openFiles: 64 } };

Deno.test("who asks for more than the host's most is refused, and who asks for nothing gets that", () =>
  withWorld(async ({ platform, folder }) => {
    const { failure } = failureOf(
      await startIt(platform, shell("exec sleep 1000"), { limits: { openFiles: 128 } }),
    );
    assertEquals([failure.code, failure.retryable], ["host_refused", false]);
    assertStringIncludes(
      failure.message,
      'rule "limits.openFiles": 128 open files are asked for, and the most is 64',
    );
    await started(platform, shell("ulimit -n >files; exec sleep 1000"));
    const files = await eventually(
      "its limit is told",
      async () => (await fileText(`${folder()}/files`)).trim(),
    );
    assertEquals(files, "64");
  }, { policy: FEW_FILES }));

testAsRoot(
  "a user that the host names may be used, and no other",
  () =>
    withWorld(async ({ platform }) => {
      const { failure } = failureOf(
        await startIt(platform, shell("exec sleep 1000", { user: "daemon" })),
      );
      assertEquals(failure.code, "host_refused");
      assertStringIncludes(failure.message, 'rule "users": ');
      const { runtimeMetadata } = await started(
        platform,
        shell("exec sleep 1000", { user: "nobody" }),
      );
      assertEquals(runtimeMetadata, { user: "nobody" });
    }, { policy: { ...OPEN, users: ["nobody"] } }),
);
