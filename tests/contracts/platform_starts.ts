/** What tests of platforms share: starts of one instance, what they come to, and waits. */
import type { JsonObject } from "../../events/json.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { Platform, StartOutcome, StartSpec } from "../../workers/platform.ts";
import type { PlatformContract } from "./platform_contract.ts";

const WAIT_MS = 15_000;

/** Starts of `contract-1`. */
export function specsOf(
  { template }: PlatformContract,
): (configuration: JsonObject, more?: Partial<StartSpec>) => StartSpec {
  return (configuration, more = {}) => ({
    instanceId: "contract-1",
    runId: crypto.randomUUID(),
    fence: { generation: 1, attempt: 1 },
    template,
    configuration,
    spawnWithinMs: 10_000,
    ...more,
  });
}

export const unaborted = (): AbortSignal => new AbortController().signal;

export function running(outcome: StartOutcome): RuntimeInfo {
  if (outcome.kind === "running") return outcome.runtimeInfo;
  throw new Error(`expected it to run: ${JSON.stringify(outcome.failure)}`);
}

export function codeOf(outcome: StartOutcome): string {
  return outcome.kind === "failed" ? outcome.failure.code : "it runs";
}

export function exitsOf(platform: Platform): RuntimeInfo[] {
  const exits: RuntimeInfo[] = [];
  platform.onExit((info) => exits.push(info));
  return exits;
}

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function untilSome<T>(
  what: string,
  get: () => T | null | Promise<T | null>,
): Promise<T> {
  let found: T | null = null;
  await until(what, async () => (found = await get()) !== null);
  return found!;
}
