/** Every (status, request) pair, and what a decision carries. Design §4, the table of statuses. */
import { assert, assertEquals } from "@std/assert";
import type { Deciding } from "../../machines/accept.ts";
import { decide } from "../../machines/decide.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import type { Decision, InstanceRequest, InstanceStatus } from "../../machines/requests.ts";
import { initialState } from "../../machines/evolve.ts";
import { specificationSchema } from "../../events/specification.ts";
import { ALLOWED, statusOf } from "../../machines/status.ts";
import { ended, History, SITE } from "../support/recorded.ts";

const given: Deciding = {
  commandId: "new",
  correlationId: "q",
  acceptWithinMs: 30_000,
  keepsAnswer: false,
};

/** One state of each status, in the plainest way to get there. */
const states: Record<InstanceStatus, InstanceState> = {
  Created: new History().created().state,
  Starting: new History().created().startRequested().state,
  Running: History.running().state,
  Restarting: History.running().add("RestartRequested", {
    commandId: "c2",
    generation: 2,
    configuration: {},
    configurationRevision: 1,
    acceptWithinMs: 1_000,
    site: SITE,
  }).state,
  Stopping: History.stopping().state,
  Stopped: History.stopping().stopped().state,
  Failed: History.running().exited().state,
  Deleting: History.running().add("DeleteRequested", {
    commandId: "c2",
    generation: 2,
    site: SITE,
    acceptWithinMs: 1_000,
    force: false,
    mayStillRun: null,
  }).state,
  Deleted: new History().created().add("DeleteRequested", {
    commandId: null,
    generation: 1,
    site: null,
    acceptWithinMs: 1_000,
    force: false,
    mayStillRun: null,
  }).state,
};

const requests: Record<string, InstanceRequest> = {
  create: {
    type: "create",
    specification: specificationSchema.parse({ name: "x", configuration: {} }),
  },
  start: { type: "start" },
  stop: { type: "stop" },
  restart: { type: "restart" },
  configure: { type: "configure", changes: { name: "y" } },
  delete: { type: "delete", force: false },
  force: { type: "delete", force: true },
  move: {
    type: "move",
    to: { platform: "docker", template: "image", configuration: { image: "busybox" } },
    force: false,
  },
};

/** What each pair comes to: a word for the kind, and for accepted ones the events. */
const table: Record<InstanceStatus, Record<string, string>> = {
  Created: {
    create: "rejected already_exists",
    start: "StartRequested +StartInstanceCommand",
    stop: "unchanged",
    restart: "rejected conflict",
    configure: "InstanceConfigured",
    delete: "DeleteRequested",
    force: "DeleteRequested",
    move: "MoveRequested",
  },
  Starting: {
    create: "rejected already_exists",
    start: "joined c1",
    stop: "StopRequested CommandCancelled",
    restart: "rejected conflict",
    configure: "InstanceConfigured",
    delete: "DeleteRequested CommandCancelled",
    force: "DeleteRequested CommandCancelled",
    move: "rejected conflict",
  },
  Running: {
    create: "rejected already_exists",
    start: "unchanged",
    stop: "StopRequested +StopInstanceCommand",
    restart: "RestartRequested +RestartInstanceCommand",
    configure: "InstanceConfigured",
    delete: "DeleteRequested +DeleteInstanceCommand",
    force: "DeleteRequested +DeleteInstanceCommand",
    move: "rejected conflict",
  },
  Restarting: {
    create: "rejected already_exists",
    start: "rejected conflict",
    stop: "StopRequested CommandCancelled +StopInstanceCommand",
    restart: "rejected conflict",
    configure: "rejected conflict",
    delete: "DeleteRequested CommandCancelled +DeleteInstanceCommand",
    force: "DeleteRequested CommandCancelled +DeleteInstanceCommand",
    move: "rejected conflict",
  },
  Stopping: {
    create: "rejected already_exists",
    start: "StartQueued",
    stop: "joined c2",
    restart: "rejected conflict",
    configure: "rejected conflict",
    delete: "DeleteRequested +DeleteInstanceCommand",
    force: "DeleteRequested CommandCancelled +DeleteInstanceCommand",
    move: "rejected conflict",
  },
  Stopped: {
    create: "rejected already_exists",
    start: "StartRequested +StartInstanceCommand",
    stop: "unchanged",
    restart: "rejected conflict",
    configure: "InstanceConfigured",
    delete: "DeleteRequested +DeleteInstanceCommand",
    force: "DeleteRequested +DeleteInstanceCommand",
    move: "MoveRequested +DeleteInstanceCommand",
  },
  Failed: {
    create: "rejected already_exists",
    start: "StartRequested +StartInstanceCommand",
    stop: "StopRequested",
    restart: "StartRequested +StartInstanceCommand",
    configure: "InstanceConfigured",
    delete: "DeleteRequested +DeleteInstanceCommand",
    force: "DeleteRequested +DeleteInstanceCommand",
    move: "MoveRequested +DeleteInstanceCommand",
  },
  Deleting: {
    create: "rejected already_exists",
    start: "rejected conflict",
    stop: "rejected conflict",
    restart: "rejected conflict",
    configure: "rejected conflict",
    delete: "joined c2",
    force: "DeleteRequested CommandCancelled +DeleteInstanceCommand",
    move: "rejected conflict",
  },
  Deleted: {
    create: "rejected already_exists",
    start: "rejected deleted",
    stop: "rejected deleted",
    restart: "rejected deleted",
    configure: "rejected deleted",
    delete: "rejected deleted",
    force: "rejected deleted",
    move: "rejected deleted",
  },
};

for (const [status, row] of Object.entries(table)) {
  const state = states[status as InstanceStatus];
  Deno.test(`a state built to be ${status} is ${status}`, () =>
    assertEquals(statusOf(state), status));
  for (const [name, expected] of Object.entries(row)) {
    Deno.test(`${name} on ${status}: ${expected}`, () => {
      assertEquals(inWords(decide(state, requests[name]!, given)), expected);
    });
  }
  Deno.test(`what ${status} says it allows is what decide accepts or joins`, () => {
    for (const type of ["start", "stop", "restart", "configure", "delete", "move"] as const) {
      const { kind } = decide(state, requests[type]!, given);
      if (ALLOWED[status as InstanceStatus].includes(type)) {
        assert(kind !== "rejected", `${type} is allowed but was rejected`);
      } else assert(kind !== "accepted", `${type} is not allowed but was accepted`);
    }
  });
}

Deno.test("a request to an instance that does not exist is not found", () => {
  assertEquals(
    inWords(decide(initialState("nobody"), { type: "start" }, given)),
    "rejected not_found",
  );
});

Deno.test("a stop that comes before the worker accepts cancels the start and needs no worker", () => {
  const decision = accepted(decide(states.Starting, { type: "stop" }, given));
  assertEquals(decision.commands, []);
  assertEquals(decision.ends, [{ commandId: "c1", eventIndex: 1, condition: "unaccepted" }]);
  assertEquals(decision.awaits, null);
});

Deno.test("a stop that comes after the accept goes to the site that accepted", () => {
  const state = new History().created().startRequested().accepted().state;
  const decision = accepted(decide(state, { type: "stop" }, given));
  assertEquals(decision.commands.map((one) => [one.type, one.site]), [[
    "StopInstanceCommand",
    SITE,
  ]]);
  assertEquals(decision.ends, []);
  assertEquals(decision.awaits, "new");
});

Deno.test("a stop that replaces an unaccepted restart is sent to the site of the run", () => {
  const decision = accepted(decide(states.Restarting, { type: "stop" }, given));
  assertEquals(decision.commands.map((one) => [one.type, one.site]), [[
    "StopInstanceCommand",
    SITE,
  ]]);
  assertEquals(decision.ends, [{ commandId: "c2", eventIndex: 1, condition: "unaccepted" }]);
});

Deno.test("a start carries template, configuration, revision and the next generation", () => {
  const { commands } = accepted(decide(states.Stopped, { type: "start" }, given));
  const command = commands[0]!;
  assertEquals(command.template, "command");
  assertEquals(command.configuration, { command: ["/bin/true"] });
  assertEquals(command.configurationRevision, 1);
  assertEquals(command.generation, 3);
  assertEquals(command.site, SITE, "a start goes back to where the last run was");
});

Deno.test("a start's body overrides the configuration for that start only", () => {
  const { commands } = accepted(
    decide(states.Created, { type: "start", configuration: { port: -1 } }, given),
  );
  assertEquals([commands[0]!.configuration, commands[0]!.configurationRevision], [
    { port: -1 },
    null,
  ]);
});

Deno.test("a start whose body differs from what runs is a conflict, the same body is satisfied", () => {
  const other = decide(states.Running, {
    type: "start",
    configuration: { command: ["/bin/false"] },
  }, given);
  assertEquals(inWords(other), "rejected conflict");
  const same = decide(
    states.Running,
    { type: "start", configuration: { command: ["/bin/true"] } },
    given,
  );
  assertEquals(inWords(same), "unchanged");
});

Deno.test("a satisfied request with an idempotency key is written down; a joined one with the command it joined", () => {
  const keeping = { ...given, keepsAnswer: true };
  assertEquals(inWords(decide(states.Running, { type: "start" }, keeping)), "RequestAnswered");
  const joined = accepted(decide(states.Starting, { type: "start" }, keeping));
  assertEquals([joined.events[0]!.type, joined.awaits], ["RequestAnswered", "c1"]);
});

Deno.test("a second start while stopping joins the one that waits; a stop takes it back", () => {
  const state = History.stopping().add("StartQueued", {
    commandId: "queued",
    generation: 3,
    configuration: { command: ["/bin/true"] },
    configurationRevision: 1,
    acceptWithinMs: 1_000,
  }).state;
  assertEquals(inWords(decide(state, { type: "start" }, given)), "joined queued");
  const stop = accepted(decide(state, { type: "stop" }, given));
  assertEquals([inWords(stop), stop.awaits], ["CommandCancelled", "c2"]);
});

Deno.test("a stale If-Match is rejected with both versions", () => {
  const decision = decide(states.Running, { type: "configure", changes: {} }, {
    ...given,
    ifMatch: 1,
  });
  assertEquals(decision, {
    kind: "rejected",
    rejection: { code: "stale_version", expected: 1, actual: 2 },
  });
});

Deno.test("a change of what is different writes nothing where it is so already, whatever is under way", () => {
  const changes = { name: "one", configuration: { command: ["/bin/true"] } };
  const same: InstanceRequest = { type: "configure", changes, ifDifferent: true };
  for (const status of ["Created", "Running", "Restarting", "Stopping"] as const) {
    assertEquals(decide(states[status], same, given), { kind: "unchanged" }, status);
  }
  const kept = accepted(decide(states.Created, same, { ...given, keepsAnswer: true }));
  assertEquals(kept.events, [{
    type: "RequestAnswered",
    data: { request: "configure", commandId: null },
  }]);
  const other: InstanceRequest = { ...same, changes: { configuration: { command: ["no"] } } };
  assertEquals(inWords(decide(states.Created, other, given)), "InstanceConfigured");
  assertEquals(inWords(decide(states.Restarting, other, given)), "rejected conflict");
  const plain = decide(states.Created, { type: "configure", changes }, given);
  assertEquals(inWords(plain), "InstanceConfigured");
});

Deno.test("a forced delete names the run that may still live and is done at once", () => {
  const decision = accepted(decide(states.Running, { type: "delete", force: true }, given));
  const event = decision.events[0]!;
  assert(event.type === "DeleteRequested" && event.data.mayStillRun?.runId === "r1");
  assertEquals(decision.awaits, null);
});

Deno.test("the command of a forced delete outlives the time that its asker has: nobody waits for it", () => {
  const within = (force: boolean) => {
    const hurried = { ...given, acceptWithinMs: 1_000 };
    return accepted(decide(states.Running, { type: "delete", force }, hurried)).commands[0]
      ?.acceptWithinMs;
  };
  assertEquals([within(false), within(true)], [1_000, 86_400_000]);
});

Deno.test("delete of an instance whose start failed goes to the site that keeps its folder", () => {
  const state =
    new History().created().startRequested().accepted().failed("c1", "Start", ended("r1", 2_000, 1))
      .state;
  const decision = accepted(decide(state, { type: "delete", force: false }, given));
  assertEquals(decision.commands[0]?.site, SITE);
});

function accepted(decision: Decision): Decision & { kind: "accepted" } {
  if (decision.kind !== "accepted") {
    throw new Error(`expected an accepted decision, got ${JSON.stringify(decision)}`);
  }
  return decision;
}

function inWords(decision: Decision): string {
  switch (decision.kind) {
    case "accepted":
      return [
        ...decision.events.map((event) => event.type),
        ...decision.commands.map((command) => `+${command.type}`),
      ].join(" ");
    case "joined":
      return `joined ${decision.commandId}`;
    case "rejected":
      return `rejected ${decision.rejection.code}`;
    case "unchanged":
      return "unchanged";
  }
}
