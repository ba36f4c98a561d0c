/** The output of a server is followed from any node, over restarts of the server, of its worker and of the node. */
import { assert, assertEquals } from "@std/assert";
import type { OutputLineView } from "../../http/log_stream.ts";
import { EventReader } from "../http/support/event_reader.ts";
import { firstGap } from "../workers/log_world.ts";
import { eventually } from "../workers/process_world.ts";
import { commandInstance, type ControlPlane, startInstance } from "./support/control_plane.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";
/** Prints numbers for ever, each run from 1. */
const COUNT = 'n=0; while :; do echo "line $((n=n+1))"; sleep 0.02; done';

/** One client that follows, and begins again on another node where it was cut off. */
class Follower {
  readonly lines: OutputLineView[] = [];
  lastId = "";
  #reader: EventReader | null = null;

  async open(node: ControlPlane, id: string): Promise<void> {
    const response = await fetch(
      `${await node.ready()}${INSTANCES}/${id}/logs?follow=true&since=1h`,
      { headers: this.lastId === "" ? {} : { "last-event-id": this.lastId } },
    );
    assertEquals(response.status, 200);
    this.#reader = new EventReader(response);
    void this.#read(this.#reader);
  }

  async close(): Promise<void> {
    await this.#reader?.close().catch(() => {});
  }

  kinds(): string[] {
    return this.lines.flatMap(({ kind }) => kind ?? []);
  }

  /** How many lines came after the last marker of this kind. */
  since(kind: string): number {
    const at = this.lines.findLastIndex((line) => line.kind === kind);
    return at < 0 ? -1 : this.lines.length - 1 - at;
  }

  async #read(reader: EventReader): Promise<void> {
    try {
      for (let event = await reader.next(); event; event = await reader.next()) {
        if (event.event !== "lines") continue;
        this.lines.push(...event.data.items);
        if (event.id !== "") this.lastId = event.id;
      }
    } catch {
      // Its node was killed: the client goes on elsewhere.
    }
  }
}

testWithFleet(
  "an output is followed over restarts of server, worker and node, without a gap and with a mark at each",
  async (fleet) => {
    const [one, two] = [await fleet.serve(), await fleet.serve()];
    const first = await fleet.worker("w1");
    const { id } = await startInstance(one, commandInstance("counts", ["sh", "-c", COUNT]));
    const follower = new Follower();
    await follower.open(one, id);
    const enough = (what: string, isEnough: () => boolean) => eventually(what, isEnough, 60_000);
    await enough("lines of the first run", () => follower.since("started") > 20);

    assertEquals((await two.call(`POST ${INSTANCES}/${id}/restart`)).status, 200);
    await enough(
      "lines of the second run",
      () => follower.kinds().includes("ended") && follower.since("started") > 20,
    );

    await first.end("SIGKILL");
    await enough("its worker is missed", () => follower.kinds().includes("away"));
    await fleet.worker("w1");
    await enough("lines after its return", () => follower.since("returned") > 20);

    await one.end("SIGKILL");
    const known = follower.lines.length;
    await follower.open(two, id);
    await enough("lines from another node", () => follower.lines.length > known + 20);
    await follower.close();

    assertEquals(follower.kinds(), [
      "started",
      "ended",
      "started",
      "away",
      "returned",
      "resumed",
    ]);
    const [firstRun, secondRun] = runsOf(follower.lines);
    for (const run of [firstRun!, secondRun!]) {
      assertEquals([run[0], firstGap(run)], ["1", null]);
    }
    const unwatched = follower.lines.filter(({ at }) => at === null);
    assert(unwatched.length > 0, "what was printed while no worker watched has bounds only");
  },
);

testWithFleet(
  "a deleted instance's output is followed to its end, and then gone",
  async (fleet) => {
    const api = await fleet.serve();
    await fleet.worker("w1");
    const { id } = await startInstance(api, commandInstance("goes", ["sh", "-c", COUNT]));
    const response = await fetch(`${await api.ready()}${INSTANCES}/${id}/logs?follow=true`);
    const reader = new EventReader(response);
    assertEquals((await reader.next())?.event, "lines");
    assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
    let last = await reader.next();
    while (last?.event === "lines") last = await reader.next();
    assertEquals([last?.event, last?.data], ["end", { reason: "deleted" }]);
    assertEquals(await reader.next(), null);
    assertEquals((await api.call(`GET ${INSTANCES}/${id}/logs`)).status, 410);
  },
);

/** The numbers that each run has printed. */
function runsOf(lines: readonly OutputLineView[]): string[][] {
  const runs: string[][] = [];
  for (const { kind, text } of lines) {
    if (kind === "started") runs.push([]);
    const number = /^line (\d+)$/.exec(text)?.[1];
    if (number !== undefined) runs.at(-1)?.push(number);
  }
  return runs;
}
