/** An apply of a fleet file from its plan to its last line: the fleet's hands, and what its client hears. docs/fleet.md */
import { applyPlan, type ApplyProgress, type ApplyRules } from "../fleet/apply_plan.ts";
import type { FleetPlan } from "../fleet/fleet_plan.ts";
import type { FleetHands } from "../fleet/instance_work.ts";
import { OperationalError } from "../events/errors.ts";
import { comparePositions, type Position, START } from "../events/envelope.ts";
import { canonicalJson, type Json, type JsonObject } from "../events/json.ts";
import type { InstanceStatus } from "../machines/requests.ts";
import { progressView } from "./fleet_view.ts";
import { untilVerdict } from "./instance_wait.ts";
import { NdjsonChannel } from "./ndjson.ts";
import type { HttpContext, HttpServices } from "./options.ts";
import { Problem } from "./problem.ts";
import { sha256Hex } from "./sha256.ts";

/** What there is to do, and how. */
export interface ApplyOrder {
  plan: FleetPlan;
  digest: string;
  rules: ApplyRules;
  /** Of each thing that is asked of an instance. */
  timeoutMs: number;
  /** Makes what is asked of instances repeatable; undefined: this apply is like no other. */
  idempotencyKey: string | undefined;
  /** Called once, when nothing is in work any more. */
  onEnd(): void;
}

/** Nothing is under way. */
const SETTLED: readonly InstanceStatus[] = ["Created", "Running", "Stopped", "Failed", "Deleted"];

/**
 * Begins it; the answer tells how it goes. A client that leaves ends it, and so does the end of the node: nothing more
 * is begun then, and what was begun goes on by itself.
 */
export function beginApply(
  context: HttpContext,
  services: HttpServices,
  order: ApplyOrder,
): Response {
  const { clock, limits, closing, onBug } = services;
  const traceId = context.get("correlationId");
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  const channel = new NdjsonChannel({ clock, heartbeatMs: limits.heartbeatMs, onGone: leave });
  const telling = new Telling(channel, traceId);
  const close = () => {
    leave();
    telling.end("stopped");
  };
  const { plan, digest, rules } = order;
  const bug = (error: unknown) => onBug(error, { traceId, method: "POST", path: context.req.path });
  channel.send({ type: "plan", fleet: plan.fleet, plan: digest });
  closing?.addEventListener("abort", close);
  if (closing?.aborted) close();
  applyPlan(plan, {
    hands: handsOf(context, services, order, leaving.signal),
    clock,
    rules,
    tell: (progress) => telling.tell(progress),
    leaving: leaving.signal,
    onBug: bug,
  }).then((outcome) => telling.end(outcome), bug).finally(() => {
    closing?.removeEventListener("abort", close);
    channel.end();
    order.onEnd();
  });
  return channel.response();
}

/** What was told, and counted. */
class Telling {
  private readonly summary = { done: 0, failed: 0, skipped: 0 };
  private position: Position = START;

  constructor(private readonly channel: NdjsonChannel, private readonly traceId: string) {}

  tell(progress: ApplyProgress): void {
    if (progress.kind === "ended") {
      const { end } = progress;
      this.summary[end.kind]++;
      if (end.kind === "done" && end.position !== null) this.reach(end.position);
    }
    this.channel.send(progressView(progress, this.traceId));
  }

  end(outcome: string): void {
    const { summary, position } = this;
    const last: JsonObject = { type: "end", outcome, summary: { ...summary } };
    this.channel.send(position === START ? last : { ...last, position });
    this.channel.end();
  }

  private reach(position: Position): void {
    if (comparePositions(position, this.position) > 0) this.position = position;
  }
}

function handsOf(
  context: HttpContext,
  services: HttpServices,
  { timeoutMs, idempotencyKey }: ApplyOrder,
  client: AbortSignal,
): FleetHands {
  const { system, clock, closing, ids } = services;
  const requestedBy = context.get("caller");
  const scope = [requestedBy, "fleet", idempotencyKey ?? ids.next("request")];
  return {
    look: (id) => system.get(id),
    async ask(id, request, ifMatch) {
      const asked = request as unknown as Json;
      return await system.ask(id, request, {
        timeoutMs,
        wait: true,
        requestedBy,
        correlationId: context.get("correlationId"),
        idempotency: {
          key: await sha256Hex(canonicalJson([...scope, id, asked])),
          digest: await sha256Hex(canonicalJson(asked)),
        },
        ...(ifMatch === undefined ? {} : { ifMatch }),
      });
    },
    async settled(instanceId) {
      try {
        await untilVerdict({
          system,
          clock,
          instanceId,
          wanted: { statuses: SETTLED, atLeastVersion: 0 },
          timeoutMs,
          client,
          ...(closing ? { closing } : {}),
        });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const { code, message, details, kind } = error;
        throw new OperationalError(code, message, kind.retryable, details.hint);
      }
    },
  };
}
