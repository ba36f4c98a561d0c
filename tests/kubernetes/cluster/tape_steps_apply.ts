/** Steps of the tape about server-side apply, and who owns which field. */
import {
  aContainer,
  apply,
  aSet,
  get,
  merge,
  SERVICES,
  SETS,
  type TapeStep,
} from "./tape_objects.ts";

const env = (...names: string[]) => names.map((name) => ({ name, value: `of ${name}` }));
const withEnv = (...names: string[]) =>
  aSet("a", { containers: [aContainer({ env: env(...names) })] });

/** The groups. */
export const applying: Record<string, TapeStep[]> = {
  "apply-creates": [
    apply("an apply creates", `${SETS}/a`, aSet("a"), {}, "first"),
    apply("the same apply changes nothing", `${SETS}/a`, aSet("a")),
    get("it is as it was", `${SETS}/a`),
    apply("an apply needs a manager", `${SETS}/a`, aSet("a"), { fieldManager: "" }),
    apply("another manager applies the same", `${SETS}/a`, aSet("a"), { fieldManager: "second" }),
    apply("an old version is refused", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", resourceVersion: "1" },
    }),
    apply("another uid is refused", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", uid: "00000000-0000-0000-0000-000000000001" },
    }),
    apply("a uid of what is not there", `${SETS}/none`, {
      ...aSet("none"),
      metadata: { name: "none", uid: "00000000-0000-0000-0000-000000000001" },
    }),
    apply("a version of what is not there", `${SETS}/none`, {
      ...aSet("none"),
      metadata: { name: "none", resourceVersion: "5" },
    }),
    apply("managedFields can not be applied", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", managedFields: [] },
    }),
    apply("another name in the body", `${SETS}/a`, aSet("b")),
    apply("another version of the kind", `${SETS}/a`, { ...aSet("a"), apiVersion: "apps/v1beta1" }),
    apply("no kind", `${SETS}/a`, { metadata: { name: "a" } }),
    apply("an apply with the right uid and version", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", uid: "{first.metadata.uid}", labels: { app: "a", more: "yes" } },
    }),
  ],
  "apply-conflicts": [
    apply("an apply creates", `${SETS}/a`, aSet("a"), {}, "first"),
    merge("an edit changes the replicas", `${SETS}/a`, { spec: { replicas: 2 } }),
    apply("the apply conflicts", `${SETS}/a`, aSet("a")),
    apply("an apply of the same value as the edit's", `${SETS}/a`, aSet("a", {}, { replicas: 2 })),
    merge("an edit changes two fields", `${SETS}/a`, {
      spec: {
        replicas: 3,
        template: { spec: { containers: [aContainer({ image: "example/app:2" })] } },
      },
    }),
    apply("the apply conflicts twice", `${SETS}/a`, aSet("a")),
    apply(
      "another applier conflicts with both",
      `${SETS}/a`,
      aSet("a", { terminationGracePeriodSeconds: 5 }, { replicas: 9 }),
      { fieldManager: "other" },
    ),
    apply("a forced apply takes them", `${SETS}/a`, aSet("a"), { force: "true" }),
    apply(
      "another applier conflicts with the applier",
      `${SETS}/a`,
      aSet("a", {}, { replicas: 4 }),
      { fieldManager: "other" },
    ),
    get("as it is", `${SETS}/a`),
  ],
  "apply-removes": [
    apply("two variables", `${SETS}/a`, withEnv("A", "B")),
    apply("one of them is applied no longer", `${SETS}/a`, withEnv("B")),
    merge("an edit adds a label", `${SETS}/a`, { metadata: { labels: { edited: "yes" } } }),
    apply("the edited label stays, the own one goes", `${SETS}/a`, {
      ...withEnv("B"),
      metadata: { name: "a" },
    }),
    apply("another applies a variable of its own", `${SETS}/a`, {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "a" },
      spec: { template: { spec: { containers: [{ name: "app", env: env("C") }] } } },
    }, { fieldManager: "other" }),
    apply("the first one in another order with a new one", `${SETS}/a`, withEnv("D", "B")),
    apply("the other lets go", `${SETS}/a`, {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "a" },
    }, { fieldManager: "other" }),
    apply("no replicas: the default is back", `${SETS}/a`, aSet("a", {}, { replicas: undefined })),
    apply(
      "volumes and mounts",
      `${SETS}/a`,
      aSet("a", {
        volumes: [{ name: "v", emptyDir: {} }, { name: "w", configMap: { name: "c" } }, {
          name: "s",
          secret: { secretName: "s" },
        }],
        containers: [aContainer({
          ports: [{ containerPort: 80 }, { containerPort: 80, protocol: "UDP" }],
          volumeMounts: [{ name: "v", mountPath: "/v" }, { name: "w", mountPath: "/w" }],
          command: ["a", "b"],
          readinessProbe: { httpGet: { port: 80 } },
          livenessProbe: { tcpSocket: { port: 80 } },
          startupProbe: { exec: { command: ["true"] } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "64Mi" } },
          env: [{ name: "F", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }, {
            name: "E",
            value: "",
          }, { name: "S", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }],
        })],
      }),
    ),
    apply(
      "fewer of them",
      `${SETS}/a`,
      aSet("a", {
        volumes: [{ name: "w", configMap: { name: "c" } }],
        containers: [aContainer({
          ports: [{ containerPort: 80, protocol: "UDP" }],
          volumeMounts: [{ name: "w", mountPath: "/w" }],
          command: ["a"],
        })],
      }),
    ),
    apply(
      "a second container",
      `${SETS}/a`,
      aSet("a", { containers: [aContainer(), aContainer({ name: "side" })] }),
    ),
    apply(
      "the second alone",
      `${SETS}/a`,
      aSet("a", { containers: [aContainer({ name: "side" })] }),
    ),
    apply(
      "two containers of one name",
      `${SETS}/a`,
      aSet("a", { containers: [aContainer(), aContainer()] }),
    ),
    apply("a container without a name", `${SETS}/a`, aSet("a", { containers: [{ image: "x" }] })),
  ],
  "services-own": [
    apply("a headless service", `${SERVICES}/s`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s" },
      spec: { clusterIP: "None", selector: { app: "a" }, ports: [{ name: "http", port: 80 }] },
    }),
    apply("another port", `${SERVICES}/s`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s" },
      spec: {
        clusterIP: "None",
        selector: { app: "a" },
        ports: [{ name: "http", port: 81, targetPort: "http" }],
      },
    }),
    apply("a service with an address", `${SERVICES}/t`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "t" },
      spec: { selector: { app: "a" }, ports: [{ port: 80 }] },
    }),
    apply("no ports", `${SERVICES}/u`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "u" },
      spec: { selector: { app: "a" } },
    }),
    apply("ports without a name", `${SERVICES}/u`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "u" },
      spec: { ports: [{ port: 80 }, { port: 81 }] },
    }),
    apply("a name that starts with a digit", `${SERVICES}/1u`, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "1u" },
      spec: { ports: [{ port: 80 }] },
    }),
    { say: "a service goes", method: "DELETE", path: `${SERVICES}/s` },
  ],
};
