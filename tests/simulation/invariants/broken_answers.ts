/** Answers and reads that cannot be: one for each invariant of what clients are told. */
import { specificationSchema } from "../../../events/specification.ts";
import type { InstanceRequest } from "../../../machines/requests.ts";
import { History, INSTANCE } from "../../support/recorded.ts";
import type { Violation } from "../run_result.ts";
import { type Broken, UNKNOWN_SURROUNDINGS, writtenAsDated } from "./broken_logs.ts";
import type { Operation, Outcome, Read } from "./evidence.ts";
import { Judge } from "./judge.ts";

/** Created (1-0), start requested (2-0), accepted (3-0), succeeded (4-0). */
const RUNNING = History.running().events;

let numbered = 0;

/** A judge who has seen some events, and clients who ask and are told. */
export class Clients {
  readonly judge = new Judge("counting", UNKNOWN_SURROUNDINGS);
  private at = 0;

  constructor(events = RUNNING) {
    this.wrote(events);
  }

  wrote(events: typeof RUNNING): Violation | null {
    this.at = Math.max(this.at, events.at(-1)?.at ?? 0);
    return this.judge.onEvents(writtenAsDated(events));
  }

  /** Asked now, answered later. */
  ask(request: InstanceRequest, change: Partial<Operation> = {}): Operation {
    const number = ++numbered;
    const operation: Operation = {
      number,
      session: "user-1",
      instanceId: request.type === "create" ? null : INSTANCE,
      request,
      requestId: `op-${number}`,
      idempotency: null,
      invokedAt: ++this.at,
      returnedAt: null,
      outcome: null,
      ...change,
    };
    this.judge.onAsked(operation);
    return operation;
  }

  tell(operation: Operation, outcome: Outcome): Violation | null {
    operation.outcome = outcome;
    operation.returnedAt = ++this.at;
    return this.judge.onTold(operation);
  }

  /** Asked and answered at once. */
  told(
    outcome: Outcome,
    request: InstanceRequest = { type: "start" },
    change: Partial<Operation> = {},
  ): Violation | null {
    return this.tell(this.ask(request, change), outcome);
  }

  read(version: number, change: Partial<Read> = {}): Violation | null {
    return this.judge.onRead({
      ...at(version),
      session: "user-1",
      askedAt: ++this.at,
      returnedAt: ++this.at,
      status: version < 2 ? "Created" : version < 4 ? "Starting" : "Running",
      atLeast: null,
      ...change,
    });
  }

  /** Everything from a version on is gone. */
  rollBack(version: number): Violation | null {
    const lost = new Set(RUNNING.slice(version - 1).map(({ position }) => position));
    return this.judge.onRollback({ at: ++this.at, lost, durability: "process" });
  }
}

const at = (version: number) => ({ instanceId: INSTANCE, position: `${version}-0`, version });
const fact = (version: number, eventType: string): Outcome => ({
  kind: "fact",
  eventType,
  ...at(version),
});
const unchanged = (version: number): Outcome => ({ kind: "unchanged", ...at(version) });
const SUCCEEDED = fact(4, "CommandSucceeded");
const CREATE: InstanceRequest = {
  type: "create",
  specification: specificationSchema.parse({
    name: "one",
    template: "command",
    configuration: { command: ["/bin/true"] },
  }),
};
const KEY = { key: "k", digest: "d" };

/** A history that goes on with a configuration for a request. */
function configuredFor(requestId: string, history = History.running()): History {
  return history.add("InstanceConfigured", { changes: {} }, {
    requestId: `inner ${requestId}`,
    correlationId: requestId,
  });
}

const CONFIGURE: InstanceRequest = { type: "configure", changes: {} };
const failed = (version: number): Outcome => ({ kind: "failed", ...at(version) });

export const BROKEN_ANSWERS: Broken = {
  acknowledgedIsInTheLog: () => new Clients().told(fact(5, "CommandSucceeded")),
  nothingStandsOnWhatWasLost: () => {
    const clients = new Clients();
    clients.rollBack(4);
    return clients.told(SUCCEEDED);
  },
  answersAreNotOld: () => {
    const clients = new Clients();
    clients.told(unchanged(4));
    return clients.told({ kind: "rejected", code: "conflict", read: at(3) }, { type: "restart" });
  },
  effectsFollowTheirRequests: () => {
    const clients = new Clients();
    const operation = clients.ask(CONFIGURE, { invokedAt: Number.MAX_SAFE_INTEGER });
    clients.wrote(configuredFor(operation.requestId).events.slice(4));
    return clients.tell(operation, fact(5, "InstanceConfigured"));
  },
  refusedHasNoEffect: () => {
    const clients = new Clients();
    const operation = clients.ask(CONFIGURE);
    clients.tell(operation, { kind: "rejected", code: "busy", read: null });
    return clients.wrote(configuredFor(operation.requestId).events.slice(4));
  },
  effectsAreWhatIsDecided: () => {
    const clients = new Clients();
    const operation = clients.ask({ type: "stop" });
    clients.wrote(configuredFor(operation.requestId).events.slice(4));
    return clients.tell(operation, fact(5, "InstanceConfigured"));
  },
  answersAreWhatIsDecided: () => new Clients().told(unchanged(4), { type: "stop" }),
  nothingKnownIsDenied: () => {
    const clients = new Clients();
    clients.told(unchanged(4));
    return clients.told({ kind: "rejected", code: "not_found", read: null });
  },
  namesAreNotUnique: () =>
    new Clients().told({ kind: "rejected", code: "already_exists", read: null }, CREATE),
  answersAreTheirOwn: () => new Clients().told(SUCCEEDED),
  keysAnswerTheSame: () => {
    const clients = new Clients(
      History.running().stopRequested().accepted("c2", "Stop").stopped().events,
    );
    clients.told(SUCCEEDED, { type: "start" }, { idempotency: KEY });
    return clients.told(fact(7, "CommandSucceeded"), { type: "start" }, { idempotency: KEY });
  },
  readsTellTheFold: () => new Clients().read(4, { status: "Stopped" }),
  sessionsNeverGoBack: () => {
    const clients = new Clients();
    clients.read(4);
    return clients.read(3, { atLeast: "3-0" });
  },
  readsReachWhatTheyDemand: () => new Clients().read(3, { atLeast: "4-0" }),
};

/** Each gives what is wrong with a sound run of clients: nothing. */
export const SOUND_CLIENTS: Readonly<Record<string, () => (Violation | null)[]>> = {
  "the end of a start that was joined": () => {
    const clients = new Clients(RUNNING.slice(0, 3));
    const operation = clients.ask({ type: "start" }, { invokedAt: RUNNING[2]!.at });
    return [clients.wrote(RUNNING.slice(3)), clients.tell(operation, SUCCEEDED)];
  },
  "an effect of one's own, and the state that it left": () => {
    const clients = new Clients();
    const operation = clients.ask(CONFIGURE);
    const history = History.running();
    history.at += 100;
    return [
      clients.wrote(configuredFor(operation.requestId, history).events.slice(4)),
      clients.tell(operation, fact(5, "InstanceConfigured")),
      clients.told(unchanged(5)),
      clients.told({ kind: "rejected", code: "stale_version", read: at(5) }, CONFIGURE, {
        ifMatch: 1,
      }),
    ];
  },
  "the same answer under the same key": () => {
    const clients = new Clients();
    const keyed = { idempotency: KEY };
    return [1, 2].map(() => clients.told(SUCCEEDED, { type: "start" }, keyed));
  },
  "what was acknowledged before a rollback took it, and a new history after it": () => {
    const clients = new Clients();
    const operation = clients.ask({ type: "start" });
    const before = clients.told(unchanged(4));
    return [
      before,
      clients.rollBack(4),
      // The answer was on its way.
      clients.tell(operation, unchanged(4)),
      clients.wrote(RUNNING.slice(3).map((event) => ({ ...event, at: event.at + 1_000 }))),
      clients.told(unchanged(4)),
    ];
  },
  "a fact that was lost is not held against who asks after it": () => {
    const clients = new Clients();
    return [
      clients.told(unchanged(4)),
      clients.rollBack(4),
      clients.told({ kind: "rejected", code: "conflict", read: at(3) }, { type: "restart" }),
      clients.read(3, { atLeast: "3-0" }),
    ];
  },
  "an error, whatever came of it":
    () => [new Clients().told({ kind: "info", code: "log_indeterminate" })],
  "the failed end of a command of one's own": () => {
    const clients = new Clients(new History().created().events);
    const history = new History().created();
    history.at += 100;
    const operation = clients.ask({ type: "start" });
    history.add("StartRequested", {
      commandId: "c1",
      generation: 1,
      configuration: {},
      configurationRevision: 1,
      acceptWithinMs: 30_000,
      site: null,
      cause: "user",
    }, { requestId: "inner", correlationId: operation.requestId });
    history.accepted().failed();
    return [clients.wrote(history.events.slice(1)), clients.tell(operation, failed(4))];
  },
};
