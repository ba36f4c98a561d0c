/** Looks at the way to a fleet, step by step, and stops where nothing more can be seen. */
import type { OperationalError } from "../../events/errors.ts";
import { RemoteNode } from "../../http/client/remote_node.ts";
import { type Invocation, outcomeOf } from "../invocation.ts";
import {
  addressCheck,
  type Check,
  clockCheck,
  failedCheck,
  instanceChecks,
  reachCheck,
  readinessChecks,
  streamCheck,
  tokenCheck,
  versionCheck,
  workerChecks,
} from "./checks.ts";

const STREAM_LIMIT_MS = 5_000;

/** Everything that was looked at; what ended it early, if anything did. */
export interface Examination {
  checks: Check[];
  /** No control plane answers there, or it is none. */
  unreached: OperationalError | null;
}

/** Only looks: nothing is changed. */
export async function examine(invocation: Invocation): Promise<Examination> {
  const { host, client, settings, remote } = invocation;
  const node = new RemoteNode(remote);
  const checks: Check[] = [addressCheck(settings)];
  const life = await outcomeOf(node.life());
  if (!life.ok) {
    const { error } = life;
    return { checks: [...checks, failedCheck("reach", error)], unreached: error };
  }
  checks.push(
    reachCheck(life.value),
    versionCheck(host.version, life.value),
    clockCheck(life.value, host.clock.now()),
  );
  const readiness = await outcomeOf(node.readiness());
  checks.push(
    ...(readiness.ok ? readinessChecks(readiness.value) : [
      failedCheck("readiness", readiness.error),
    ]),
  );
  const workers = await outcomeOf(client.workers());
  checks.push(tokenCheck(settings, workers.ok ? null : workers.error));
  if (!workers.ok) return { checks, unreached: null };
  checks.push(await streamSeen(invocation));
  const instances = await outcomeOf(client.instances());
  checks.push(
    ...(instances.ok
      ? [
        ...workerChecks(workers.value, instances.value, life.value.version),
        ...instanceChecks(instances.value),
      ]
      : [failedCheck("instances", instances.error)]),
  );
  return { checks, unreached: null };
}

async function streamSeen({ client, host: { clock } }: Invocation): Promise<Check> {
  const leaving = new AbortController();
  const cancel = clock.after(STREAM_LIMIT_MS, () => leaving.abort());
  const begun = clock.monotonic();
  try {
    const first = await outcomeOf(client.followEvents("now", leaving.signal).next());
    if (!first.ok) return failedCheck("events", first.error);
    const took = first.value.done ? null : clock.monotonic() - begun;
    return streamCheck(took, STREAM_LIMIT_MS);
  } finally {
    cancel();
    leaving.abort();
  }
}
