/** Sends a confirmed request to a worker; its screen tells what came of it. Pure. */
import { printable } from "../terminal_text.ts";
import type { Model } from "./model.ts";
import type { WorkerDeed } from "./overlay.ts";
import { type Step, step, tell } from "./step.ts";

export function askWorker(model: Model, { workerId, verb }: WorkerDeed): Step {
  const told = tell({ ...model, overlay: null }, `${verb} ${printable(workerId)} …`, "busy");
  return step(told, { kind: "worker", slot: `workers.${verb}.${workerId}`, workerId, verb });
}
