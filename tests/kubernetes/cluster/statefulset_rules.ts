/** What the specification of a StatefulSet may be, and what of it may change. */
import {
  belowLeast,
  type FieldFault,
  forbiddenField,
  invalidValue,
  required,
  unsupported,
} from "./field_faults.ts";
import {
  type Fields,
  isSame,
  type KubeObject,
  type PodSpec,
  type StatefulSet,
} from "./kube_objects.ts";
import { dnsLabelFaults, labelFaults } from "./name_rules.ts";
import { podSpecFaults } from "./pod_rules.ts";

/** Faults of a set as it is, in the order of the real server. */
export function statefulSetFaults({ spec }: StatefulSet): FieldFault[] {
  const { replicas, podManagementPolicy, serviceName } = spec as Spec;
  return [
    ...(podManagementPolicy === "OrderedReady" || podManagementPolicy === "Parallel" ? [] : [
      invalidValue(
        "spec.podManagementPolicy",
        podManagementPolicy,
        "must be 'OrderedReady' or 'Parallel'",
      ),
    ]),
    ...strategyFaults(spec.updateStrategy as Fields | undefined),
    ...belowLeast("spec.replicas", replicas),
    ...(serviceName ? dnsLabelFaults("spec.serviceName", serviceName) : []),
    ...selectorFaults(spec),
    ...templateFaults(spec),
  ];
}

type Spec = StatefulSet["spec"] & { podManagementPolicy?: string };

function strategyFaults(strategy: Fields = {}): FieldFault[] {
  const { type, rollingUpdate } = strategy as { type?: string; rollingUpdate?: Fields };
  if (type === "RollingUpdate") return [];
  if (type !== "OnDelete") {
    return [
      invalidValue(
        "spec.updateStrategy",
        { Type: type, RollingUpdate: null },
        "must be 'RollingUpdate' or 'OnDelete'",
      ),
    ];
  }
  // An apply that changes the type alone leaves it: it was defaulted, so nobody owns it.
  if (!rollingUpdate) return [];
  return [
    invalidValue(
      "spec.updateStrategy.rollingUpdate",
      {
        Partition: rollingUpdate.partition ?? 0,
        MaxUnavailable: rollingUpdate.maxUnavailable ?? null,
      },
      "only allowed for updateStrategy 'RollingUpdate'",
    ),
  ];
}

function selectorFaults({ selector }: StatefulSet["spec"]): FieldFault[] {
  if (!selector) return [required("spec.selector")];
  if (Object.keys(selector.matchLabels ?? {}).length > 0) return [];
  return [
    invalidValue(
      "spec.selector",
      {},
      "empty selector is invalid for statefulset",
    ),
  ];
}

const NO_SPEC: PodSpec = { containers: [] };

function templateFaults({ selector, template, volumeClaimTemplates = [] }: Spec): FieldFault[] {
  const labels = template?.metadata?.labels;
  const wanted = Object.entries(selector?.matchLabels ?? {});
  const matches = wanted.every(([name, value]) => labels?.[name] === value);
  const spec = template?.spec as PodSpec | undefined;
  const { restartPolicy, activeDeadlineSeconds, volumes = [] } = spec ?? NO_SPEC;
  // The controller puts the claims in the place of volumes of their names.
  const claimed = volumeClaimTemplates.map(({ metadata }) => ({ name: metadata.name }));
  const all = [...claimed, ...volumes.filter(({ name }) => !claimed.some((c) => c.name === name))];
  const withClaims = spec && claimed.length > 0 ? { ...spec, volumes: all } : spec;
  return [
    ...(matches && selector ? [] : [
      invalidValue(
        "spec.template.metadata.labels",
        labels,
        "`selector` does not match template `labels`",
      ),
    ]),
    ...podSpecFaults("spec.template.spec", withClaims),
    ...labelFaults("spec.template.labels", labels ?? {}),
    ...(restartPolicy === "Always" || restartPolicy === undefined
      ? []
      : [unsupported("spec.template.spec.restartPolicy", restartPolicy, ["Always"])]),
    ...(activeDeadlineSeconds === undefined ? [] : [
      forbiddenField(
        "spec.template.spec.activeDeadlineSeconds",
        "activeDeadlineSeconds in StatefulSet is not Supported",
      ),
    ]),
  ];
}

/** Faults of a change. */
export function statefulSetChangeFaults(before: KubeObject, after: KubeObject): FieldFault[] {
  if (isSame(fixedOf(before), fixedOf(after))) return [];
  return [
    forbiddenField(
      "spec",
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

const CHANGEABLE = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];

function fixedOf({ spec }: KubeObject): Fields {
  return Object.fromEntries(
    Object.entries(spec as Fields).filter(([name]) => !CHANGEABLE.includes(name)),
  );
}
