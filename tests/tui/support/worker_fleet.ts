/** Workers in every state, and a fleet on them. */
import { agoText, answerOf, workerOf } from "./fleet_models.ts";

export const WORKERS = [
  workerOf("eu-west-1-embedded-3f9a1c", { labels: { zone: "a", team: "core" }, busy: 1 }),
  workerOf("w1", { busy: 4 }),
  workerOf("w2", { silent: true, lastHeartbeatAt: agoText(95_000), draining: true }),
  workerOf("w3", { draining: true, platform: "docker", site: "dc1" }),
  workerOf("w4", { lost: true, silent: true, lastHeartbeatAt: agoText(7_000_000) }),
];

export const FLEET_OF_WORKERS = [
  ...Array.from({ length: 9 }, (_, at) => answerOf(`on-w1-${at}`, { status: "Running" })),
  answerOf("failing", { status: "Failed", worker: "w1" }),
  answerOf("far", { status: "Running", worker: "w2" }),
  answerOf("nowhere"),
];
