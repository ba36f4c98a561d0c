/** Models of the terminal UI for tests: a fleet of answers as the API gives them, keys pressed, and what came of it. */
import type { InstanceAnswer, WorkerAnswer } from "../../../http/client/answers.ts";
import type { JsonObject } from "../../../events/json.ts";
import { ALLOWED } from "../../../machines/status.ts";
import type { InstanceStatus } from "../../../machines/requests.ts";
import type { Action } from "../../../tui/model/action.ts";
import type { Effect } from "../../../tui/model/effect.ts";
import { initialModel, type Model } from "../../../tui/model/model.ts";
import { reduce } from "../../../tui/model/reduce.ts";

/** The time of every model that is not told another one: 2026-01-01, noon. */
export const NOON = Date.UTC(2026, 0, 1, 12);

/** An instance as the API answers it: `web-1`, created an hour ago. */
export function answerOf(id: string, fields: Partial<InstanceAnswer> = {}): InstanceAnswer {
  const status = (fields.status ?? "Created") as InstanceStatus;
  return {
    id,
    name: id,
    description: "",
    platform: "process",
    template: "command",
    labels: {},
    status,
    desired: status === "Running" ? "running" : "stopped",
    health: status === "Running" ? "healthy" : "unknown",
    restarts: 0,
    version: 1,
    specificationVersion: 1,
    configuration: { revision: 1, runningRevision: status === "Running" ? 1 : null },
    createdAt: agoText(3_600_000),
    lastModifiedAt: agoText(3_600_000),
    allowed: [...ALLOWED[status]],
    ...(status === "Running" ? running(id) : {}),
    ...fields,
  };
}

/** A worker that is heard and idle. */
export function workerOf(id: string, fields: Partial<WorkerAnswer> = {}): WorkerAnswer {
  return {
    id,
    platform: "process",
    site: id,
    slots: 4,
    busy: 0,
    version: "0.1.0",
    labels: {},
    draining: false,
    lost: false,
    silent: false,
    registeredAt: agoText(7_200_000),
    lastHeartbeatAt: agoText(1_000),
    ...fields,
  };
}

/** So many milliseconds before noon, as the API writes it. */
export function agoText(ms: number): string {
  return new Date(NOON - ms).toISOString();
}

/** A live model with this fleet, on a terminal of this size. */
export function modelWith(
  items: readonly InstanceAnswer[],
  { columns = 80, rows = 24, workers = [workerOf("w1")] }: {
    columns?: number;
    rows?: number;
    workers?: WorkerAnswer[];
  } = {},
): Model {
  const origin = { url: "http://127.0.0.1:4700", version: "0.1.0" };
  return after(initialModel(origin, { columns, rows }, NOON), [
    { type: "availability", availability: { kind: "live", since: NOON } },
    { type: "listed", items },
    { type: "answered", slot: "fleet.workers", answer: { kind: "workers", value: workers } },
  ]);
}

/** The model after these actions. */
export function after(model: Model, actions: readonly Action[]): Model {
  return did(model, actions).model;
}

/** The model after these actions, and everything that they wanted done. */
export function did(
  model: Model,
  actions: readonly Action[],
): { model: Model; effects: Effect[] } {
  const effects: Effect[] = [];
  let current = model;
  for (const action of actions) {
    const step = reduce(current, action);
    current = step.model;
    effects.push(...step.effects);
  }
  return { model: current, effects };
}

/** The keys of a text with spaces between them: `j j D y e s enter`. */
export function keys(names: string): Action[] {
  return names.split(" ").map((key) => ({ type: "key", key }));
}

/** The model after these keys. */
export function press(model: Model, names: string): Model {
  return after(model, keys(names));
}

/** The effects of these keys. */
export function effectsOf(model: Model, names: string): Effect[] {
  return did(model, keys(names)).effects;
}

function running(id: string): JsonObject & Partial<InstanceAnswer> {
  return {
    worker: "w1",
    runtimeInfo: {
      instanceId: id,
      status: "Running",
      processId: "4242",
      port: 8080,
      startedAt: agoText(125_000),
      runtimeMetadata: {},
    },
    metrics: { cpuShare: 0.31, memoryBytes: 88 * 1_048_576 },
  };
}
