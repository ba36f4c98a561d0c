/** Removes all that a daemon keeps of an instance, and looks whether it is gone: data that is left is never a success. */
import { sleep } from "../../events/clock.ts";
import type { Failure } from "../platform.ts";
import { type Labels, readMark } from "./container_labels.ts";
import type { DockerSite } from "./docker_site.ts";

/** A daemon that has just ended a container may hold its volumes for a moment. */
const TRIES = 5;
const PAUSE_MS = 300;
/** Of what is left, so many are named. */
const NAMES_MAX = 5;

/** Null once nothing is left; else what is, by name. Its containers have ended. */
export async function removeObjects(
  site: DockerSite,
  instanceId: string,
): Promise<Failure | null> {
  for (let tries = 1;; tries++) {
    await removeWhatCanBe(site, instanceId);
    const left = await namesLeft(site, instanceId);
    if (left.length === 0) return null;
    if (tries >= TRIES) return stillThere(left);
    await sleep(site.clock, PAUSE_MS);
  }
}

async function removeWhatCanBe(site: DockerSite, instanceId: string): Promise<void> {
  const { engine, volumes } = site;
  for (const { id } of await engine.list(instanceId)) await engine.remove(id);
  const isData = ({ labels }: { labels: Labels }) => readMark(labels) === null;
  for (const { name } of (await volumes.list(instanceId)).filter(isData)) {
    await volumes.remove(name);
  }
  const left = await volumes.list(instanceId);
  // Marks last: while there is anything, a start that was overtaken is to find them.
  if (left.some(isData)) return;
  for (const { name } of left) await volumes.remove(name);
}

async function namesLeft({ engine, volumes }: DockerSite, instanceId: string): Promise<string[]> {
  const [containers, kept] = await Promise.all([
    engine.list(instanceId),
    volumes.list(instanceId),
  ]);
  return [
    ...containers.map(({ name }) => `container ${name}`),
    ...kept.map(({ name }) => `volume ${name}`),
  ];
}

function stillThere(left: readonly string[]): Failure {
  const more = left.length > NAMES_MAX ? `, and ${left.length - NAMES_MAX} more` : "";
  return {
    code: "still_there",
    message: `The daemon keeps ${left.slice(0, NAMES_MAX).join(", ")}${more}: another container ` +
      "uses it, or the daemon is busy. End what uses it (docker ps -a), and delete again.",
    retryable: true,
  };
}
