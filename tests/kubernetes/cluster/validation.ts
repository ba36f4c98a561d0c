/** What an API server finds wrong in an object of a known kind. */
import type { KubeObject } from "./kube_objects.ts";
import type { Resource } from "./resources.ts";
import type { FieldFault } from "./status_errors.ts";

/** Faults of an object as it is. */
export function validationFaults(_resource: Resource, _object: KubeObject): FieldFault[] {
  return [];
}

/** Faults of a change. */
export function immutabilityFaults(
  _resource: Resource,
  _before: KubeObject,
  _after: KubeObject,
): FieldFault[] {
  return [];
}
