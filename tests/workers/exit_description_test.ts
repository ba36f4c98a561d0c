/** Exits are told in the same words everywhere. */
import { assertEquals } from "@std/assert";
import { describeExit, durationText } from "../../workers/exit_description.ts";

const stop = { reason: "Stopped", signal: "SIGINT", graceMs: 30_000 } as const;

Deno.test("an end for lack of memory is told with the limit, and also where the server outlived its child", () => {
  const tell = (code: number, memoryBytes?: number) =>
    describeExit({ code, outOfMemory: true }, null, 3_000, memoryBytes).message;
  assertEquals(
    [tell(137, 67_108_864), tell(137, 1_610_612_736), tell(137), tell(1, 5_000_000)],
    [
      "was ended by the kernel: out of memory (limit 64 MiB) after 3 s",
      "was ended by the kernel: out of memory (limit 1.5 GiB) after 3 s",
      "was ended by the kernel: out of memory after 3 s",
      "exited with code 1 after 3 s, and the kernel had ended a process of it: out of memory (limit 5000000 bytes)",
    ],
  );
});

Deno.test("an exit is told by code or signal, with the life time", () => {
  const cases = [
    [{ code: 0 }, null, 0, null, "Exited", "exited with code 0 after 12 s"],
    [{ code: 3 }, null, 3, null, "Exited", "exited with code 3 after 12 s"],
    [{ code: 137 }, null, null, "SIGKILL", "Exited", "was killed by SIGKILL after 12 s"],
    [{ code: 255 }, null, 255, null, "Exited", "exited with code 255 after 12 s"],
    [{ code: 0 }, stop, 0, null, "Stopped", "was stopped: exited with code 0 after 12 s"],
    [{ code: null }, stop, null, null, "Stopped", "was stopped; its exit code is not known"],
    [
      { code: 137 },
      { ...stop, reason: "Killed" },
      null,
      "SIGKILL",
      "Killed",
      "was killed: it did not end within 30 s of SIGINT",
    ],
    [
      { code: null, reason: "HostRebooted" },
      null,
      null,
      null,
      "HostRebooted",
      "ended when its host was rebooted",
    ],
  ] as const;
  for (const [record, asked, code, signal, reason, message] of cases) {
    assertEquals(describeExit(record, asked, 12_345), { code, signal, reason, message });
  }
});

Deno.test("an end that nobody saw is stopped if that was asked for, and unknown otherwise", () => {
  assertEquals(describeExit({ code: null, reason: "Unknown" }, stop, 1).reason, "Stopped");
  assertEquals(describeExit({ code: null, reason: "Unknown" }, null, 1).reason, "Unknown");
});

Deno.test("durations are told in one or two units", () => {
  const texts = [840, 12_900, 200_000, 180_000, 18_120_000, 360_000_000].map(durationText);
  assertEquals(texts, ["840 ms", "12 s", "3 min 20 s", "3 min", "5 h 2 min", "100 h"]);
});
