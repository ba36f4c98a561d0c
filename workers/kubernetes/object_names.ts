/** What an instance's objects in a cluster are called, and how they are found again: names, labels, annotations. Pure. */
import { hashOf } from "../text_hash.ts";

/** The name of the container in an instance's pod. */
export const CONTAINER = "server";
/** On the set: what is known of the instance, see `run_record.ts`; and how it was to be run. */
export const RECORD = "draas.dev/record";
export const PLAN = "draas.dev/plan";
/** On the set and its pods. */
export const INSTANCE = "draas.dev/instance";
/** On pods. */
export const RUN = "draas.dev/run";

const FLEET = "draas.dev/fleet";
const NAME = "app.kubernetes.io/instance";
/** The name of a set is part of labels of its pods, with 11 characters more (apps/v1, "controller-revision-hash"). */
const NAME_CHARACTERS_MAX = 52;
const PREFIX = "draas-";
const PLAIN_ID = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/**
 * The set, service and secret of an instance. Ids that are no names of a cluster, or too long, end in a hash; should two
 * come to the same name, the second one finds it taken.
 */
export function objectName(instanceId: string): string {
  const plain = `${PREFIX}${instanceId}`;
  if (PLAIN_ID.test(instanceId) && plain.length <= NAME_CHARACTERS_MAX) return plain;
  const hash = hashOf(instanceId).toString(36).padStart(7, "0");
  const begin = instanceId.toLowerCase().slice(0, NAME_CHARACTERS_MAX - PREFIX.length - 8);
  return `${PREFIX}${begin.replace(/-+$/, "")}-${hash}`;
}

/** The only pod of a set with one replica. */
export function podName(instanceId: string): string {
  return `${objectName(instanceId)}-0`;
}

/** The claim of the volume that an instance calls `volume`. */
export function claimName(instanceId: string, volume: string): string {
  return `${objectName(instanceId)}-${volume}`;
}

/** Recommended labels (kubernetes.io/docs/concepts/overview/working-with-objects/common-labels), and the fleet's own. */
export function labelsOf(fleet: string, instanceId: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": CONTAINER,
    ...nameLabel(instanceId),
    "app.kubernetes.io/part-of": "draas",
    "app.kubernetes.io/managed-by": "draas",
    [FLEET]: fleet,
  };
}

/** By which a set and a service find the pod. */
export function nameLabel(instanceId: string): Record<string, string> {
  return { [NAME]: objectName(instanceId) };
}

/** All objects of a fleet. */
export function fleetSelector(fleet: string): string {
  return `${FLEET}=${fleet}`;
}

/** Whether an object with these labels is of the fleet. */
export function isOfFleet(fleet: string, labels: Record<string, string> | undefined): boolean {
  return labels?.[FLEET] === fleet;
}
