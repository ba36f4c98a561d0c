/** What the specification of a pod may be. */
import {
  belowLeast,
  duplicate,
  type FieldFault,
  forbiddenField,
  invalidValue,
  notThere,
  portFaults,
  required,
  unsupported,
} from "./field_faults.ts";
import type { Container, EnvVar, Fields, PodSpec, PodVolume, Probe } from "./kube_objects.ts";
import { dnsLabelFaults } from "./name_rules.ts";
import { quantityOf } from "./quantities.ts";

/** Of a pod or of a template; `at` is where the specification stands, such as `spec.template.spec`. */
export function podSpecFaults(at: string, spec: PodSpec | undefined): FieldFault[] {
  const { containers = [], volumes = [], restartPolicy } = spec ?? { containers: [] };
  const names = new Set<string>();
  return [
    ...volumes.flatMap((volume, index) => volumeFaults(`${at}.volumes[${index}]`, volume)),
    ...duplicates(volumes.map(({ name }) => name), (index) => `${at}.volumes[${index}].name`),
    ...(containers.length === 0 ? [required(`${at}.containers`)] : []),
    ...containers.flatMap((container, index) => {
      const own = `${at}.containers[${index}]`;
      const isTwice = container.name !== undefined && names.has(container.name);
      names.add(container.name);
      return [
        ...containerFaults(own, container, volumes),
        ...(isTwice ? [duplicate(`${own}.name`, container.name)] : []),
      ];
    }),
    ...(["Always", "OnFailure", "Never", undefined].includes(restartPolicy)
      ? []
      : [unsupported(`${at}.restartPolicy`, restartPolicy, ["Always", "OnFailure", "Never"])]),
  ];
}

function volumeFaults(at: string, volume: PodVolume): FieldFault[] {
  const sources = Object.keys(volume).filter((field) => field !== "name");
  const [, ...more] = sources.sort((a, b) => SOURCE_ORDER.indexOf(a) - SOURCE_ORDER.indexOf(b));
  return [
    ...(volume.name ? dnsLabelFaults(`${at}.name`, volume.name) : [required(`${at}.name`)]),
    ...more.map((source) =>
      forbiddenField(`${at}.${source}`, "may not specify more than 1 volume type")
    ),
  ];
}

/** In which the real server looks. */
const SOURCE_ORDER = ["emptyDir", "hostPath", "secret", "persistentVolumeClaim", "configMap"];

function containerFaults(
  at: string,
  container: Container,
  volumes: readonly PodVolume[],
): FieldFault[] {
  const { name, image, env = [], ports = [], volumeMounts = [], imagePullPolicy } = container;
  const policies = ["Always", "IfNotPresent", "Never"];
  const known = new Set(volumes.map((volume) => volume.name));
  return [
    ...(name ? dnsLabelFaults(`${at}.name`, name) : [required(`${at}.name`)]),
    ...(image ? [] : [required(`${at}.image`)]),
    ...ports.flatMap(({ containerPort }, index) =>
      containerPort === 0
        ? [required(`${at}.ports[${index}].containerPort`)]
        : portFaults(`${at}.ports[${index}].containerPort`, containerPort)
    ),
    ...duplicates(ports.map((port) => port.name), (index) => `${at}.ports[${index}].name`),
    ...env.flatMap((variable, index) => variableFaults(`${at}.env[${index}]`, variable)),
    ...volumeMounts.flatMap((mount, index) => {
      const own = `${at}.volumeMounts[${index}]`;
      if (!mount.name) return [required(`${own}.name`)];
      if (!mount.mountPath) return [required(`${own}.mountPath`)];
      return known.has(mount.name) ? [] : [notThere(`${own}.name`, mount.name)];
    }),
    ...duplicates(
      volumeMounts.map(({ mountPath }) => mountPath),
      (index) => `${at}.volumeMounts[${index}].mountPath`,
      () => "must be unique",
    ),
    ...probeFaults(`${at}.startupProbe`, container.startupProbe, true),
    ...probeFaults(`${at}.livenessProbe`, container.livenessProbe, true),
    ...probeFaults(`${at}.readinessProbe`, container.readinessProbe, false),
    ...(policies.includes(imagePullPolicy ?? "")
      ? []
      : [unsupported(`${at}.imagePullPolicy`, imagePullPolicy, policies)]),
    ...resourceFaults(`${at}.resources`, container.resources as Resources | undefined),
  ];
}

function duplicates(
  values: readonly (string | undefined)[],
  at: (index: number) => string,
  why?: (value: string) => string,
): FieldFault[] {
  return values.flatMap((value, index) => {
    if (value === undefined || values.indexOf(value) === index) return [];
    return [why ? invalidValue(at(index), value, why(value)) : duplicate(at(index), value)];
  });
}

function variableFaults(at: string, { name, value, valueFrom }: EnvVar): FieldFault[] {
  const faults: FieldFault[] = [];
  if (!name) faults.push(required(`${at}.name`));
  else if (!/^[ -<>-~]+$/.test(name)) {
    faults.push(
      invalidValue(
        `${at}.name`,
        name,
        "a valid environment variable name must consist only of printable ASCII characters other than '='",
      ),
    );
  }
  if (!valueFrom) return faults;
  const sources = Object.keys(valueFrom).length;
  if (sources === 0) {
    faults.push(
      invalidValue(
        `${at}.valueFrom`,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
      ),
    );
  } else if (value) {
    faults.push(
      invalidValue(`${at}.valueFrom`, "", "may not be specified when `value` is not empty"),
    );
  } else if (sources > 1) {
    faults.push(
      invalidValue(`${at}.valueFrom`, "", "may not have more than one field specified at a time"),
    );
  }
  return faults;
}

function probeFaults(at: string, probe: Probe | undefined, needsOne: boolean): FieldFault[] {
  if (!probe) return [];
  const handlers = (["exec", "httpGet", "tcpSocket", "grpc"] as const)
    .filter((name) => (probe as Fields)[name] !== undefined);
  const [, ...more] = handlers;
  const numbers = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const;
  const { httpGet, tcpSocket, successThreshold } = probe;
  return [
    ...(handlers.length === 0 ? [required(at, "must specify a handler type")] : []),
    ...more.map((name) =>
      forbiddenField(`${at}.${name}`, "may not specify more than 1 handler type")
    ),
    ...(more.length === 0 && httpGet ? portFaults(`${at}.httpGet.port`, httpGet.port) : []),
    ...(more.length === 0 && tcpSocket ? portFaults(`${at}.tcpSocket.port`, tcpSocket.port) : []),
    ...numbers.flatMap((name) => belowLeast(`${at}.${name}`, probe[name])),
    ...(needsOne && successThreshold !== undefined && successThreshold > 1
      ? [invalidValue(`${at}.successThreshold`, successThreshold, "must be 1")]
      : []),
  ];
}

interface Resources {
  requests?: Record<string, string | number>;
  limits?: Record<string, string | number>;
}

function resourceFaults(at: string, resources: Resources | undefined): FieldFault[] {
  const { requests = {}, limits = {} } = resources ?? {};
  return Object.entries(requests).flatMap(([name, asked]) => {
    const limit = limits[name];
    if (limit === undefined || quantityOf(asked) <= quantityOf(limit)) return [];
    const why = `must be less than or equal to ${name} limit of ${limit}`;
    return [invalidValue(`${at}.requests`, asked, why)];
  });
}
