/** The restricted level of the Pod Security Standards, as far as pods of tests can violate it. */
import { type Fields, isFields, type Pod } from "./kube_objects.ts";

interface Holder {
  name: string;
  context: Fields;
}

/** In the words and the order of the real admission plugin. */
export function restrictedViolations({ spec }: Pod): string[] {
  const pod = isFields(spec.securityContext) ? spec.securityContext : {};
  const containers = spec.containers.map(({ name, securityContext }) => ({
    name,
    context: isFields(securityContext) ? securityContext : {},
  }));
  const host = ["hostNetwork", "hostPID", "hostIPC"].filter((field) => spec[field] === true);
  const volumes = (spec.volumes ?? []).filter((volume) => volume.hostPath);
  return [
    ...(host.length > 0
      ? [`host namespaces (${host.map((field) => `${field}=true`).join(", ")})`]
      : []),
    ...ofContainers(
      containers.filter(({ context }) => context.privileged === true),
      "privileged",
      "must not set securityContext.privileged=true",
    ),
    ...ofContainers(
      containers.filter(({ context }) => context.allowPrivilegeEscalation !== false),
      "allowPrivilegeEscalation != false",
      "must set securityContext.allowPrivilegeEscalation=false",
    ),
    ...ofContainers(
      containers.filter(({ context }) => !dropsAll(context)),
      "unrestricted capabilities",
      'must set securityContext.capabilities.drop=["ALL"]',
    ),
    ...volumes.map(({ name }) =>
      `restricted volume types (volume "${name}" uses restricted volume type "hostPath")`
    ),
    ...ofPodOr(
      containers.filter(({ context }) => (context.runAsNonRoot ?? pod.runAsNonRoot) !== true),
      "runAsNonRoot != true",
      "must set securityContext.runAsNonRoot=true",
    ),
    ...(pod.runAsUser === 0 ? ["runAsUser=0 (pod must not set runAsUser=0)"] : []),
    ...ofContainers(
      containers.filter(({ context }) => context.runAsUser === 0),
      "runAsUser=0",
      "must not set runAsUser=0",
    ),
    ...ofPodOr(
      containers.filter(({ context }) => !hasProfile(context) && !hasProfile(pod)),
      "seccompProfile",
      'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"',
    ),
  ];
}

function ofContainers(holders: readonly Holder[], what: string, must: string): string[] {
  return holders.length === 0 ? [] : [`${what} (${named(holders)} ${must})`];
}

function ofPodOr(holders: readonly Holder[], what: string, must: string): string[] {
  return holders.length === 0 ? [] : [`${what} (pod or ${named(holders)} ${must})`];
}

function named(holders: readonly Holder[]): string {
  const names = holders.map(({ name }) => `"${name}"`).join(", ");
  return `container${holders.length > 1 ? "s" : ""} ${names}`;
}

function dropsAll({ capabilities }: Fields): boolean {
  const { drop } = (isFields(capabilities) ? capabilities : {}) as { drop?: string[] };
  return drop?.includes("ALL") ?? false;
}

function hasProfile({ seccompProfile }: Fields): boolean {
  const { type } = (isFields(seccompProfile) ? seccompProfile : {}) as { type?: string };
  return type === "RuntimeDefault" || type === "Localhost";
}
