/** What an API server finds wrong in an object of a known kind. */
import { type FieldFault, forbiddenField, invalidValue, required } from "./field_faults.ts";
import {
  type Fields,
  isFields,
  isSame,
  type KubeObject,
  type Pod,
  type StatefulSet,
} from "./kube_objects.ts";
import { dnsLabelFaults, metadataFaults } from "./name_rules.ts";
import { podSpecFaults } from "./pod_rules.ts";
import type { Resource } from "./resources.ts";
import { statefulSetChangeFaults, statefulSetFaults } from "./statefulset_rules.ts";

/** Faults of an object as it is. */
export function validationFaults(resource: Resource, object: KubeObject): FieldFault[] {
  const own = metadataFaults(resource, object);
  switch (resource.plural) {
    case "statefulsets":
      return [...own, ...statefulSetFaults(object as StatefulSet)];
    case "pods":
      return [...own, ...podSpecFaults("spec", (object as Pod).spec)];
    case "services":
      return [...own, ...serviceFaults(object.spec as Fields)];
    case "configmaps":
    case "secrets":
      return [...own, ...keyFaults(object.data)];
    case "events":
      return [...own, ...eventFaults(object)];
    default:
      return own;
  }
}

/** Faults of a change. */
export function immutabilityFaults(
  resource: Resource,
  before: KubeObject,
  after: KubeObject,
): FieldFault[] {
  switch (resource.plural) {
    case "statefulsets":
      return statefulSetChangeFaults(before, after);
    case "pods":
      return isSame(fixedOfPod(before), fixedOfPod(after)) ? [] : [
        forbiddenField(
          "spec",
          "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        ),
      ];
    case "configmaps":
    case "secrets":
      return frozenFaults(before, after);
    default:
      return [];
  }
}

function fixedOfPod({ spec }: KubeObject): Fields {
  const { containers, activeDeadlineSeconds: _1, tolerations: _2, ...fixed } = spec as Pod["spec"];
  return { ...fixed, containers: containers.map(({ image: _, ...container }) => container) };
}

function serviceFaults({ ports, clusterIP, type }: Fields): FieldFault[] {
  const list = (ports ?? []) as { name?: string }[];
  if (list.length === 0) {
    return clusterIP === "None" || type === "ExternalName" ? [] : [required("spec.ports")];
  }
  if (list.length === 1) return [];
  return list.flatMap(({ name }, index) =>
    name
      ? dnsLabelFaults(`spec.ports[${index}].name`, name)
      : [required(`spec.ports[${index}].name`)]
  );
}

function keyFaults(data: unknown): FieldFault[] {
  const keys = isFields(data) ? Object.keys(data) : [];
  return keys.filter((key) => !/^[-._a-zA-Z0-9]+$/.test(key)).map((key) =>
    invalidValue(
      `data[${key}]`,
      key,
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    )
  );
}

function frozenFaults(before: KubeObject, after: KubeObject): FieldFault[] {
  if (before.immutable !== true) return [];
  return ["immutable", "data"].filter((field) => !isSame(before[field], after[field]))
    .map((field) => forbiddenField(field, "field is immutable when `immutable` is set"));
}

function eventFaults({ metadata, involvedObject }: KubeObject): FieldFault[] {
  const { namespace = "default" } = (involvedObject ?? {}) as { namespace?: string };
  if (namespace === metadata.namespace) return [];
  return [invalidValue("involvedObject.namespace", namespace, "does not match event.namespace")];
}
