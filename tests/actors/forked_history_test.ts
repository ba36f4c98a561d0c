/** A log that lost its end and went on, before anybody was told: nothing is decided on what is no more. Design §5. */
import { assert, assertEquals } from "@std/assert";
import { newEvent } from "../../events/instance_events.ts";
import { restoreState } from "../../machines/evolve.ts";
import { settled } from "../adapters/manual_clock.ts";
import { batch } from "../contracts/broker_samples.ts";
import { type Node, type NodesWorld, withNodes } from "./nodes_world.ts";

/** How much longer the history in the place of the lost one is made. */
const LENGTHS = [0, 1];

const describe = (node: Node, id: string, description: string) =>
  node.ask(id, { type: "configure", changes: { description } });

/** The log loses its last event; another node goes on with `count` changes of the instance. */
async function goOnElsewhere(world: NodesWorld, id: string, count: number): Promise<void> {
  world.loseLast(1);
  const other = await world.node(`other of ${id}`);
  await other.create();
  for (let turn = 1; turn <= count; turn++) await describe(other, id, `kept ${turn}`);
}

/** What a node told of a loss. */
function losses({ incidents }: Node): string[] {
  return incidents.map(({ code, lostEvents }) => `${code} ${lostEvents}`);
}

Deno.test("a request is decided on the history that the log has, however long it is", () =>
  withNodes(async (world) => {
    for (const longer of LENGTHS) {
      const node = await world.node(`node ${longer}`);
      const id = await node.create();
      await node.ask(id, { type: "configure", changes: { name: "lost" } });
      await goOnElsewhere(world, id, 1 + longer);
      const asked = await node.ask(id, { type: "configure", changes: { labels: { a: "b" } } });
      assert(asked.kind === "done", JSON.stringify(asked));
      const { version, specification } = asked.state.context;
      const { name, description, labels } = specification!;
      assertEquals({ version, name, description, labels }, {
        version: 3 + longer,
        name: "one",
        description: `kept ${1 + longer}`,
        labels: { a: "b" },
      });
      assertEquals(losses(node), ["HISTORY_ROLLBACK 1"]);
    }
  }));

Deno.test("an answer that appends nothing stands on the history that the log has, too", () =>
  withNodes(async (world) => {
    for (const longer of LENGTHS) {
      const node = await world.node(`node ${longer}`);
      const id = await node.create();
      const lost = await node.ask(id, { type: "start" }, { wait: false });
      await goOnElsewhere(world, id, 1 + longer);
      const asked = await node.ask(id, { type: "start" }, { wait: false });
      assert(asked.kind === "accepted" && lost.kind === "accepted", JSON.stringify(asked));
      assert(asked.commandId !== lost.commandId, "the command of the lost start is no more");
      const [newest] = await node.system.history(id, 1);
      assertEquals([newest!.type, newest!.version, newest!.position], [
        "StartRequested",
        3 + longer,
        asked.position,
      ]);
      assertEquals(losses(node), ["HISTORY_ROLLBACK 1"]);
    }
  }));

Deno.test("a tail that goes on in another history has the log folded anew", () =>
  withNodes(async (world) => {
    for (const told of [1, 2]) {
      const node = await world.node(`node ${told}`);
      const id = await node.create();
      await describe(node, id, "lost");
      await goOnElsewhere(world, id, 2);
      const since = await world.broker.log.history(id, 3 - told);
      node.log.handOver(since);
      await settled();
      const state = [...node.system.states()].find(({ context }) => context.instanceId === id);
      const { version, specification } = state!.context;
      assertEquals([version, specification!.description], [3, "kept 2"]);
      assertEquals(losses(node), ["HISTORY_ROLLBACK 1"]);
    }
  }));

Deno.test("a baseline of a history that was lost meanwhile is not written over what came in its place", () =>
  withNodes(async (world) => {
    const node = await world.node("node", { retentionEvents: 1, markEvery: 2, keysKeptMs: 0 });
    const id = await node.create();
    await describe(node, id, "lost");
    await describe(node, await node.create(), "another");
    await describe(node, id, "lost too");
    node.log.afterNext("history", () => {
      world.loseLast(1);
      const kept = newEvent("InstanceConfigured", { changes: { description: "kept" } });
      void world.broker.log.append(batch("stranger", 0));
      void world.broker.log.append(batch(id, 2, { events: [kept] }));
    });
    const round = async () => {
      // It leads no more while it folds the log anew: what is left is for a later round.
      const kept = node.system.keepWithinBounds().catch(() => null);
      for (let turn = 0; turn < 20; turn++) await world.clock.advance(100);
      await kept;
    };
    await round();
    await round();
    const [baseline] = await node.system.history(id, 1);
    assert(baseline?.type === "Baseline", JSON.stringify(baseline));
    const { specification } = restoreState(baseline.data.state).context;
    assertEquals(specification!.description, "kept");
    assertEquals(losses(node), ["HISTORY_ROLLBACK 1"]);
  }));
