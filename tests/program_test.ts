/** The program's own words and its stopping of the fleet, over a system that answers as it is told. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { AskOutcome, InstanceSystem } from "../actors/system_port.ts";
import { OperationalError } from "../events/errors.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { stopFleet } from "../programs/fleet_stop.ts";
import type { Level } from "../programs/voice.ts";
import { farewell, greeting } from "../programs/words.ts";
import { ManualClock, settled } from "./adapters/manual_clock.ts";
import { scriptedSystem } from "./http/support/scripted_system.ts";
import { History } from "./support/recorded.ts";

function instance(instanceId: string, history: History): InstanceState {
  return { ...history.state, context: { ...history.state.context, instanceId } };
}

const runs = (instanceId: string) => instance(instanceId, History.running());
const rests = (instanceId: string) => instance(instanceId, new History().created());

/** A system whose instances stop when they are asked to, as `answer` says. */
function fleetOf(
  states: InstanceState[],
  answer: (state: InstanceState) => Promise<AskOutcome["kind"]> = () => Promise.resolve("done"),
) {
  const fleet = new Map(states.map((state) => [state.context.instanceId, state]));
  const asked: { instanceId: string; type: string; timeoutMs: number }[] = [];
  const system: InstanceSystem = {
    ...scriptedSystem(null),
    list: () => Promise.resolve({ items: [...fleet.values()], next: null, position: "1-0" }),
    async ask(instanceId, { type }, { timeoutMs }) {
      asked.push({ instanceId: instanceId!, type, timeoutMs });
      const kind = await answer(fleet.get(instanceId!)!);
      if (kind === "done") fleet.set(instanceId!, rests(instanceId!));
      return { kind } as AskOutcome;
    },
  };
  return { system, fleet, asked };
}

function stopping(system: InstanceSystem) {
  const clock = new ManualClock();
  const said: string[] = [];
  const voice = {
    say: (text: string) => void said.push(text),
    tell: (_level: Level, message: string) => void said.push(`! ${message}`),
  };
  return { clock, said, left: stopFleet({ system, clock, voice, timeoutMs: 600_000 }) };
}

Deno.test("what runs, what has failed and what is being deleted is ended, the rest is left alone", async () => {
  const deleting = History.running().add("DeleteRequested", {
    commandId: "c9",
    generation: 9,
    site: "site-1",
    acceptWithinMs: 1,
    force: false,
    mayStillRun: null,
  });
  const { system, asked } = fleetOf([
    runs("a"),
    rests("b"),
    instance("c", History.running().exited("r1", 1)),
    instance("d", deleting),
    instance("e", History.stopping().stopped()),
  ]);
  const { said, left } = stopping(system);
  assertEquals(await left, 0);
  assertEquals(asked, [
    { instanceId: "a", type: "stop", timeoutMs: 600_000 },
    { instanceId: "c", type: "stop", timeoutMs: 600_000 },
    { instanceId: "d", type: "delete", timeoutMs: 600_000 },
  ]);
  assertEquals(said, ["Stopping 3 instances …"]);
});

Deno.test("at most 64 stops are under way at once, and a long one is told of", async () => {
  const gate = Promise.withResolvers<void>();
  let [present, most] = [0, 0];
  const states = Array.from({ length: 200 }, (_, n) => runs(`i-${n}`));
  const { system } = fleetOf(states, async () => {
    most = Math.max(most, ++present);
    await gate.promise;
    present--;
    return "done";
  });
  const { clock, said, left } = stopping(system);
  await settled();
  await clock.advance(11_000);
  assertEquals([most, said.length], [64, 3]);
  assertStringIncludes(said[1]!, "0 of 200 done; Ctrl-C ends DRaaS");
  gate.resolve();
  assertEquals([await left, most], [0, 64]);
});

Deno.test("a start that was under way when the API closed is found and stopped too", async () => {
  const { system, fleet, asked } = fleetOf([runs("a")], ({ context }) => {
    if (context.instanceId === "a" && fleet.size === 1) fleet.set("late", runs("late"));
    return Promise.resolve("done");
  });
  const { said, left } = stopping(system);
  assertEquals(await left, 0);
  assertEquals(asked.map(({ instanceId }) => instanceId), ["a", "late"]);
  assertEquals(said, ["Stopping 1 instance …", "Stopping 1 instance …"]);
});

Deno.test("what cannot be stopped is asked once, and counted", async () => {
  const { system, asked } = fleetOf([runs("a"), runs("b"), runs("c")], ({ context }) => {
    if (context.instanceId !== "b") return Promise.resolve("failed");
    throw new OperationalError("log_unwritable", "The disk is full.", true, "Make room.");
  });
  const { said, left } = stopping(system);
  assertEquals([await left, asked.length], [3, 3]);
  assertEquals(said.at(-1), "! 3 instances could not be stopped.");
});

Deno.test("the greeting and the farewell count in the right number", async () => {
  const status = await scriptedSystem(null, {
    status: () =>
      Promise.resolve({
        ready: true,
        reasons: [],
        durability: "disk" as const,
        position: "1-0",
        instances: 1,
        commandsInFlight: 0,
        incidents: [],
      }),
  }).status();
  const lines = greeting(status, {
    version: "1.2.3",
    tookMs: 7,
    url: "http://x",
    place: ["Data", "/d"],
    end: "Ctrl-C ends it.",
  });
  assert(lines.includes("  Fleet  1 instance\n"), lines);
  assertEquals(await farewell(fleetOf([rests("a")]).system, "/data"), "DRaaS has ended.");
  assertEquals(
    await farewell(fleetOf([runs("a"), rests("b")]).system, "/data"),
    "DRaaS has ended. 1 instance runs on; the next start on /data finds it again.",
  );
});
