/** The JSON of an instance that is read again: the same as if it were made anew, and made anew only for what is new. */
import { assertEquals } from "@std/assert";
import type { MetricsOfRuns } from "../../actors/system_port.ts";
import { failureView } from "../../http/health_view.ts";
import { instanceView } from "../../http/instance_view.ts";
import { ShownInstances } from "../../http/shown_instances.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { History } from "../support/recorded.ts";

const heard = () => false;
const silent = () => true;

function metricsAt(sampledAt: number, memoryBytes: number): MetricsOfRuns {
  const sample = {
    runId: "r1",
    cpuShare: 0,
    cpuSeconds: 1,
    memoryBytes,
    openFiles: 1,
    processes: 1,
  };
  return new Map([["r1", { ...sample, sampledAt }]]);
}

function anew(
  state: InstanceState,
  isSilent: () => boolean,
  metrics: MetricsOfRuns | undefined,
): string {
  return JSON.stringify({ ...instanceView(state, isSilent, metrics), ...failureView(state) });
}

Deno.test("whatever changes is told at once: the state, a worker's silence, how the run does", () => {
  const shown = new ShownInstances();
  const history = History.running();
  const running = history.state;
  const stopped = History.running().exited("r1", 1).state;
  const seen: [InstanceState, () => boolean, MetricsOfRuns | undefined][] = [
    [running, heard, undefined],
    [running, heard, metricsAt(2_000, 10)],
    [running, heard, metricsAt(3_000, 20)],
    [running, silent, metricsAt(3_000, 20)],
    [running, heard, metricsAt(3_000, 20)],
    [running, heard, undefined],
    [stopped, heard, undefined],
    [running, heard, undefined],
  ];
  for (const [state, isSilent, metrics] of seen) {
    const expected = anew(state, isSilent, metrics);
    for (let again = 0; again < 2; again++) {
      assertEquals(shown.textOf(state, isSilent, metrics), expected);
    }
  }
});

Deno.test("what is the same is not made anew", () => {
  const shown = new ShownInstances();
  const { state } = History.running();
  const first = shown.textOf(state, heard, metricsAt(2_000, 10));
  // Of one sample there is but one telling: another one shows that nobody looked.
  assertEquals(shown.textOf(state, heard, metricsAt(2_000, 99)), first);
});

Deno.test("of as many instances as there are only the last thousand are kept, and none that is large", () => {
  const shown = new ShownInstances();
  const named = (instanceId: string, description = ""): InstanceState => {
    const { state } = History.running();
    const { specification } = state.context;
    return {
      ...state,
      context: { ...state.context, instanceId, specification: { ...specification!, description } },
    };
  };
  const isKept = (state: InstanceState) => {
    const first = shown.textOf(state, heard, metricsAt(1, 1));
    return shown.textOf(state, heard, metricsAt(1, 2)) === first;
  };
  assertEquals(isKept(named("large", "x".repeat(20_000))), false);
  const one = named("one");
  const before = shown.textOf(one, heard, metricsAt(1, 1));
  for (let n = 0; n < 1_000; n++) shown.textOf(named(`i-${n}`), heard, undefined);
  assertEquals(shown.textOf(one, heard, metricsAt(1, 2)) === before, false);
});
