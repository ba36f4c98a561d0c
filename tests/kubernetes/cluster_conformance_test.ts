/** The double answers as the real API server did whose answers are on the tape. */
import { assertEquals } from "@std/assert";
import { ApiDouble } from "./cluster/api_double.ts";
import { playGroup, type TapeAnswer } from "./cluster/tape.ts";
import { TAPE_STEPS } from "./cluster/tape_steps.ts";
import tape from "./conformance_tape.json" with { type: "json" };

const answers = tape as unknown as Record<string, TapeAnswer[]>;

for (const [group, steps] of Object.entries(TAPE_STEPS)) {
  Deno.test(`the double answers as a real server does: ${group}`, async () => {
    const double = new ApiDouble({
      users: { token: "admin" },
      bookmarkEveryMs: 60_000,
      hasGarbageCollector: false,
      certificate: null,
    });
    try {
      const played = await playGroup({ url: double.url, token: "token" }, group, steps);
      const recorded = answers[group] ?? [];
      assertEquals(played.length, recorded.length, "the tape is of other steps: record it anew");
      played.forEach((answer, index) => assertEquals(answer, recorded[index]));
    } finally {
      await double.close();
    }
  });
}
