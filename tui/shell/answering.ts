/** How each query and each request of the model is a call of the fleet's port. */
import type { InstanceAnswer } from "../../http/client/answers.ts";
import type { FleetPort } from "../../http/client/fleet_port.ts";
import type { Answer, AskResult, Query, Request } from "../model/effect.ts";
import { isGone } from "./failures.ts";

/** The outcome is waited for so long; what goes on after that is told by events. */
const ASK_TIMEOUT_MS = 60_000;
const READS_MAX = 8;

/** @throws {OperationalError} as the port */
export async function answerTo(fleet: FleetPort, query: Query): Promise<Answer> {
  const { instances, configurations, past, output, workers, node } = fleet;
  switch (query.kind) {
    case "workers":
      return { kind: "workers", value: await workers.list() };
    case "readiness":
      return { kind: "readiness", value: await node.readiness() };
    case "instance":
      return { kind: "instance", value: await instances.get(query.id) };
    case "instances":
      return { kind: "instances", value: await those(fleet, query.ids) };
    case "events":
      return { kind: "events", value: await past.events(query.id, query.limit, query.cursor) };
    case "stateAt":
      return { kind: "stateAt", value: await past.stateAt(query.id, query.moment) };
    case "why":
      return { kind: "why", value: await past.why(query.id) };
    case "configuration":
      return { kind: "configuration", value: await configurations.get(query.id) };
    case "revisions": {
      const { id, limit, before } = query;
      return { kind: "revisions", value: await configurations.revisions(id, limit, before) };
    }
    case "revision":
      return { kind: "revision", value: await configurations.revision(query.id, query.number) };
    case "difference": {
      const { id, from, to } = query;
      return { kind: "difference", value: await configurations.difference(id, from, to) };
    }
    case "lines":
      return { kind: "lines", value: await output.lines(query.id, query.wish) };
  }
}

/**
 * Asks, and waits for the outcome.
 * @param key the same for every sending of this request
 * @throws {OperationalError} when it is refused, fails, or no answer comes
 */
export async function ask(
  fleet: FleetPort,
  instanceId: string | null,
  request: Request,
  key: string,
): Promise<AskResult> {
  if (request.type === "create") {
    const instance = await fleet.instances.create(request.specification, key);
    return { kind: "done", instance };
  }
  if (instanceId === null) throw new Error(`a ${request.type} of no instance`);
  switch (request.type) {
    case "change":
    case "configure":
    case "rollback":
      return { kind: "done", instance: await changed(fleet, instanceId, request, key) };
    default: {
      const wish = { key, wait: true, timeoutMs: ASK_TIMEOUT_MS };
      const answer = await fleet.instances.ask(instanceId, request.type, wish, {
        ...(request.type === "move" ? { body: request.to } : {}),
        ...(request.force === undefined ? {} : { force: request.force }),
      });
      return { kind: answer.outcome, instance: answer.instance ?? null };
    }
  }
}

async function changed(
  { instances, configurations }: FleetPort,
  id: string,
  request: Extract<Request, { type: "change" | "configure" | "rollback" }>,
  key: string,
): Promise<InstanceAnswer | null> {
  const wish = { key, ...(request.ifMatch === undefined ? {} : { ifMatch: request.ifMatch }) };
  switch (request.type) {
    case "change":
      return await instances.change(id, request.changes, wish);
    case "configure":
      await configurations.replace(id, request.configuration, wish);
      return null;
    case "rollback":
      await configurations.rollBack(id, request.revision, wish);
      return null;
  }
}

/** Those that are still there, a few at a time. */
async function those(fleet: FleetPort, ids: readonly string[]): Promise<InstanceAnswer[]> {
  const left = [...ids];
  const found: InstanceAnswer[] = [];
  const read = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      try {
        found.push(await fleet.instances.get(id));
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: READS_MAX }, read));
  return found;
}
