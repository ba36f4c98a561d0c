/** Starts in a test cluster, and what comes of them. */
import type { HealthReport } from "../../events/health.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { Failure, Platform, StartOutcome } from "../../workers/platform.ts";
import { isRealCluster } from "./cluster/test_cluster.ts";
import { eventually } from "../workers/process_world.ts";
import { imageSpec } from "../support/image_spec.ts";
import { type KubernetesWorld, withKubernetesWorld } from "./kubernetes_world.ts";

/** The pod of instance `i-1`. */
export const POD = "draas-i-1-0";
/** Its set, service and secret. */
export const SET = "draas-i-1";
/** Everything that happens to a server is to be seen within this. */
export const SEEN_WITHIN_MS = 2_000;

type Spec = Parameters<typeof imageSpec>;

type WorldOptions = [
  Parameters<typeof withKubernetesWorld>[1]?,
  Parameters<typeof withKubernetesWorld>[2]?,
];

/** Registers a test in a world of its own. */
export function inWorld(
  sentence: string,
  test: (world: KubernetesWorld) => Promise<void>,
  ...options: WorldOptions
): void {
  Deno.test(sentence, () => withKubernetesWorld(test, ...options));
}

/** The same for one that needs a cluster which does as it is told. */
export function onDouble(
  sentence: string,
  test: (world: KubernetesWorld) => Promise<void>,
  ...options: WorldOptions
): void {
  const fn = () => withKubernetesWorld(test, ...options);
  Deno.test({ name: sentence, ignore: isRealCluster(), fn });
}

export function start(platform: Platform, ...spec: Spec): Promise<StartOutcome> {
  return platform.start(imageSpec(...spec), new AbortController().signal);
}

export async function started(platform: Platform, ...spec: Spec): Promise<RuntimeInfo> {
  const outcome = await start(platform, ...spec);
  if (outcome.kind === "running") return outcome.runtimeInfo;
  throw new Error(`expected it to run: ${JSON.stringify(outcome.failure)}`);
}

export async function refused(platform: Platform, ...spec: Spec): Promise<Failure> {
  const outcome = await start(platform, ...spec);
  if (outcome.kind === "failed") return outcome.failure;
  throw new Error(`expected a failure: ${JSON.stringify(outcome.runtimeInfo)}`);
}

/** The ends that are told of. */
export function exitsOf(platform: Platform): RuntimeInfo[] {
  const exits: RuntimeInfo[] = [];
  platform.onExit((info) => exits.push(info));
  return exits;
}

/** What is told of health. */
export function healthOf(platform: Platform): HealthReport[] {
  const reports: HealthReport[] = [];
  platform.onHealth((report) => reports.push(report));
  return reports;
}

/** The end that is told of after `act`, soon. */
export async function endAfter(
  { platform }: KubernetesWorld,
  act: () => unknown,
  ...spec: Spec
): Promise<RuntimeInfo> {
  const exits = exitsOf(platform);
  await started(platform, ...spec);
  await act();
  return await eventually("its end is told", () => exits[0], SEEN_WITHIN_MS);
}
