/** What every `FleetPort` does: reads, changes and follows a fleet, with the API's answers and its refusals as errors. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { OperationalError } from "../../events/errors.ts";
import type { EventAnswer } from "../../http/client/answers.ts";
import type { FleetNews, FleetPort } from "../../http/client/fleet_port.ts";
import { NoAnswer, RemoteProblem } from "../../http/client/remote_problem.ts";
import type { ScriptedPlatform } from "../http/support/scripted_platform.ts";
import { until } from "../http/support/until.ts";

/** A fleet behind a door. */
export interface FleetScene {
  fleet: FleetPort;
  platform: ScriptedPlatform;
  startWorker(): Promise<void>;
  /** The control plane is asked in vain until `comeBack`: it has gone, or the way to it. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

/** Runs a test in a scene of its own. */
export type WithFleet = (test: (scene: FleetScene) => Promise<void>) => Promise<void>;

const WEB = {
  name: "web",
  labels: { env: "test" },
  serverConfiguration: { host: "127.0.0.1", port: 8080 },
};
const wish = (key: string) => ({ key, wait: true, timeoutMs: 5_000 });

/** The tests of the door, over one way to it. */
export function fleetPortContract(way: string, withFleet: WithFleet): void {
  const it = (sentence: string, test: (scene: FleetScene) => Promise<void>) =>
    Deno.test(`${way}: ${sentence}`, () => withFleet(test));

  it("an instance is created, started, waited for, stopped and deleted", async (scene) => {
    const { fleet: { instances }, startWorker } = scene;
    await startWorker();
    const { id, status } = await instances.create(WEB, "k-create");
    assertEquals(status, "Created");
    assertEquals((await instances.create(WEB, "k-create")).id, id, "a key creates once");
    const started = await instances.ask(id, "start", wish("k-start"));
    assertEquals([started.outcome, started.runtimeInfo?.processId], ["done", "12345"]);
    assertEquals((await instances.wait(id, ["Running"], 5_000)).outcome, "reached");
    assertEquals((await instances.get(id)).status, "Running");
    assertEquals((await instances.ask(id, "start", wish("k-2"))).outcome, "unchanged");
    await instances.ask(id, "stop", wish("k-3"));
    assertEquals((await instances.wait(id, ["Stopped"], 5_000)).outcome, "reached");
    await instances.ask(id, "delete", wish("k-4"));
    const gone = await refusal(instances.get(id));
    assertEquals([gone.code, gone.status], ["deleted", 410]);
  });

  it("the list has what the filter lets through, and the position that it is true for", async ({ fleet }) => {
    const { id } = await fleet.instances.create(WEB, "k-1");
    await fleet.instances.create({ ...WEB, name: "other", labels: {} }, "k-2");
    const all = await fleet.instances.list();
    assertEquals(all.items.map(({ name }) => name), ["web", "other"]);
    assertEquals([all.isStale, /^\d+-\d+$/.test(all.position)], [false, true]);
    const some = await fleet.instances.list({ label: "env=test" });
    assertEquals(some.items.map((one) => one.id), [id]);
  });

  it("a refusal is an error with the API's code, its faults and what to do next", async ({ fleet }) => {
    const invalid = await refusal(fleet.instances.create({ name: "" }, "k-1"));
    assertEquals([invalid.code, invalid.faults.map(({ path }) => path)], ["invalid", ["name"]]);
    assert(invalid.hint !== "");
    assertEquals((await refusal(fleet.instances.get(crypto.randomUUID()))).code, "not_found");
  });

  it("what is not waited for is accepted, and a wait tells when its time is over", async (scene) => {
    const { fleet: { instances } } = scene;
    const { id } = await instances.create(WEB, "k-1");
    const told = await instances.ask(id, "start", { key: "k-2", wait: false });
    assertEquals(told.outcome, "accepted");
    const { outcome, reason } = await instances.wait(id, ["Running"], 50);
    assertEquals([outcome, reason], ["timeout", "It is still Starting."]);
    const cancelled = await instances.ask(id, "stop", wish("k-3"));
    assertEquals(cancelled.outcome, "done", "a start that nobody has taken is called off");
  });

  it("a start that fails is an error, and a wait for it ends at once with the reason", async (scene) => {
    const { fleet: { instances }, startWorker, platform } = scene;
    await startWorker();
    platform.failure = { code: "binary_missing", message: "No such program.", retryable: false };
    const { id } = await instances.create(WEB, "k-1");
    const failed = await refusal(instances.ask(id, "start", wish("k-2")));
    assertEquals([failed.code, failed.status], ["binary_missing", 500]);
    const { outcome, reason } = await instances.wait(id, ["Running"], 5_000);
    assertEquals([outcome, reason], ["failed", "It is Failed: No such program."]);
  });

  it("a configuration is replaced, patched, compared and put back, each only once a key", async (scene) => {
    const { fleet: { instances, configurations } } = scene;
    const { id } = await instances.create(WEB, "k-1");
    const replaced = await configurations.replace(id, { port: 8081 }, { key: "k-2" });
    assertEquals([replaced.revision, replaced.configuration], [2, { port: 8081 }]);
    const patch = [{ op: "replace", path: "/port", value: 8082 }];
    const patched = await configurations.patch(id, patch, { key: "k-3" });
    assertEquals((await configurations.patch(id, patch, { key: "k-3" })).revision, 3);
    assertEquals([patched.revision, patched.changed], [3, true]);
    assertEquals((await configurations.get(id)).configuration, { port: 8082 });
    const { items } = await configurations.revisions(id);
    assertEquals(items.map(({ revision }) => revision), [3, 2, 1]);
    assertEquals((await configurations.revisions(id, 1, 3)).items[0]?.revision, 2);
    assertEquals((await configurations.revision(id, 2)).configuration, { port: 8081 });
    assertEquals((await configurations.difference(id, 2, 3)).patch, patch);
    const back = await configurations.rollBack(id, 1, { key: "k-4" });
    assertEquals([back.revision, back.configuration], [4, WEB.serverConfiguration]);
  });

  it("what was decided is changed on exactly the version that was seen", async ({ fleet }) => {
    const { id, specificationVersion } = await fleet.instances.create(WEB, "k-1");
    const ifMatch = Number(specificationVersion);
    const labels = { env: "prod" };
    const changed = await fleet.instances.change(id, { labels }, { key: "k-2", ifMatch });
    assertEquals(changed.labels, labels);
    const late = fleet.instances.change(id, { labels: {} }, { key: "k-3", ifMatch });
    assertEquals((await refusal(late)).code, "stale_version");
    const early = fleet.configurations.replace(id, {}, { key: "k-4", ifMatch });
    assertEquals((await refusal(early)).code, "stale_version");
  });

  it("the past is told: events, states, and why it is what it is", async (scene) => {
    const { fleet: { instances, past }, startWorker } = scene;
    await startWorker();
    const { id } = await instances.create(WEB, "k-1");
    await instances.ask(id, "start", wish("k-2"));
    const page = await past.events(id, 2);
    assertEquals(page.items.map(({ type }) => type), ["CommandAccepted", "CommandSucceeded"]);
    const before = await past.events(id, 500, page.nextCursor);
    assertEquals(before.items.map(({ type }) => type), ["InstanceCreated", "StartRequested"]);
    assertEquals(before.nextCursor, undefined, "there is nothing before that");
    const created = before.items[0]!;
    assertEquals((await past.stateAt(id, { version: 1 })).status, "Created");
    assertEquals((await past.stateAt(id, { at: created.at })).event.type, "InstanceCreated");
    const { status, summary, steps, next } = await past.why(id);
    assertEquals([status, steps[0]?.kind, next], ["Running", "request", []]);
    assert(summary.startsWith("It is Running: "), summary);
  });

  it("what a server prints is read, and followed until its instance is deleted", async (scene) => {
    const { fleet: { instances, output }, platform, startWorker } = scene;
    await startWorker();
    const { id } = await instances.create(WEB, "k-1");
    await instances.ask(id, "start", wish("k-2"));
    platform.page = [{ stream: "stdout", at: 1_700_000_000_000, text: "hello" }];
    const lines = await output.lines(id, { tail: 5 });
    assertEquals(lines, [{ stream: "stdout", at: "2023-11-14T22:13:20.000Z", text: "hello" }]);
    const leaving = new AbortController();
    const told: string[] = [];
    for await (const one of output.follow(id, { tail: 5 }, leaving.signal)) {
      if (one.kind === "end") told.push(one.reason);
      else told.push(...one.lines.map(({ text }) => text));
      if (told.length === 1) await instances.ask(id, "delete", wish("k-3"));
    }
    assertEquals([told[0], told.at(-1)], ["hello", "deleted"]);
  });

  it("a fleet file is compared, applied line by line, and told as it came to be", async (scene) => {
    const { fleet: { files, instances } } = scene;
    const entry = {
      template: "command",
      serverConfiguration: { command: ["true"] },
      desired: "stopped",
    };
    const file = { fleet: "shop", instances: { web: entry } };
    const plan = await files.diff(file, false);
    assertEquals(plan.items.map(({ name }) => name), ["web"]);
    const types: string[] = [];
    const wish = { key: "k-1", prune: false, keepGoing: false, parallel: 4 };
    for await (const { type } of files.apply(file, wish, new AbortController().signal)) {
      types.push(type);
    }
    assertEquals(types.at(-1), "end");
    assertEquals((await instances.list()).items.map(({ name }) => name), ["web"]);
    assertEquals((await files.files("shop")).map((one) => one.fleet), ["shop"]);
  });

  it("workers are listed, drained and resumed; the node tells its release and that it is ready", async (scene) => {
    const { fleet: { workers, node }, startWorker } = scene;
    await startWorker();
    const isDraining = async () => (await workers.list()).map(({ id, draining }) => [id, draining]);
    await workers.ask("worker-1", "drain", "k-1");
    assertEquals(await isDraining(), [["worker-1", true]]);
    await workers.ask("worker-1", "resume", "k-2");
    assertEquals(await isDraining(), [["worker-1", false]]);
    assertEquals((await refusal(workers.ask("nobody", "drain", "k-3"))).code, "worker_not_found");
    assertEquals((await node.life()).version, "0.0.0-test");
    const { ready, reasons } = await node.readiness();
    assertEquals([ready, reasons], [true, []]);
  });

  it("a watcher is live, hears each event once and in order, and no more when it is closed", async ({ fleet }) => {
    const told = new Told();
    const watch = fleet.watch(told.take);
    await until("it is live", () => watch.availability.kind === "live");
    await fleet.instances.create(WEB, "k-1");
    await fleet.instances.create({ ...WEB, name: "other" }, "k-2");
    await until("both are told", () => told.events.length === 2);
    const { instanceId, position } = told.events[1]!;
    assertEquals((await fleet.instances.get(instanceId, position)).name, "other");
    watch.close();
    await fleet.instances.create({ ...WEB, name: "third" }, "k-3");
    const after = new Told();
    const second = fleet.watch(after.take, told.events[0]!.position);
    await until("the rest is told", () => after.events.length === 2);
    second.close();
    assertEquals(after.names(), ["other", "third"], "from after the position that was asked for");
    assertEquals([told.names(), told.availability], [["web", "other"], ["live"]]);
  });

  it("a watcher that is cut off knows since when and why, and misses nothing of what happened meanwhile", async (scene) => {
    const { fleet, goAway, comeBack } = scene;
    const told = new Told();
    const watch = fleet.watch(told.take);
    await until("it is live", () => watch.availability.kind === "live");
    await fleet.instances.create(WEB, "k-1");
    await until("it is told", () => told.events.length === 1);
    await goAway();
    await until("it is lost", () => watch.availability.kind === "reconnecting");
    const lost = watch.availability;
    assert(lost.kind === "reconnecting" && lost.error instanceof NoAnswer, "it says why");
    await comeBack();
    await fleet.instances.create({ ...WEB, name: "meanwhile" }, "k-2");
    await until("it is live again", () => watch.availability.kind === "live");
    await until("what happened is told", () => told.events.length === 2);
    watch.close();
    assertEquals(told.names(), ["web", "meanwhile"]);
    assertEquals(told.availability, ["live", "reconnecting", "live"]);
    assertEquals(told.gaps, [], "nothing was passed over");
  });

  it("who asks while nobody answers is told so, and a repeated change is done once", async (scene) => {
    const { fleet, goAway, comeBack } = scene;
    const { id } = await fleet.instances.create(WEB, "k-1");
    await goAway();
    await assertRejects(() => fleet.workers.list(), NoAnswer);
    const changing = fleet.configurations.replace(id, { port: 9_000 }, { key: "k-2" });
    await comeBack();
    assertEquals((await changing).revision, 2);
    assertEquals((await fleet.configurations.revisions(id)).items.length, 2);
  });
}

/** What a watcher has heard. */
class Told {
  readonly events: EventAnswer[] = [];
  readonly availability: string[] = [];
  readonly gaps: string[] = [];

  readonly take = (news: FleetNews): void => {
    if (news.kind === "event") this.events.push(news.event);
    else if (news.kind === "gap") this.gaps.push(news.code);
    else this.availability.push(news.availability.kind);
  };

  names(): string[] {
    return this.events.map(({ data }) =>
      (data as unknown as { specification: { name: string } }).specification.name
    );
  }
}

async function refusal(work: Promise<unknown>): Promise<RemoteProblem> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RemoteProblem) return error;
    throw error as OperationalError;
  }
  throw new Error("it was expected to be refused");
}
