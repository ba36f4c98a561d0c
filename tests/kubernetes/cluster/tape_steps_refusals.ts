/** Steps of the tape about what a server refuses, and in which words. */
import {
  aContainer,
  aPod,
  apply,
  aSet,
  CONFIGMAPS,
  get,
  merge,
  PODS,
  post,
  SETS,
  type TapeStep,
} from "./tape_objects.ts";

const wrongContainer = (say: string, container: object, pod: object = {}): TapeStep =>
  apply(say, `${SETS}/a`, aSet("a", { containers: [aContainer({ ...container })], ...pod }));
const probe = (say: string, readinessProbe: object) => wrongContainer(say, { readinessProbe });

/** The groups. */
export const refusing: Record<string, TapeStep[]> = {
  strict: [
    apply("an unknown field in an apply", `${SETS}/a`, aSet("a", { foo: 1 }), {
      fieldValidation: "Strict",
    }),
    apply("an unknown field in an apply that is to warn", `${SETS}/a`, aSet("a", { foo: 1 })),
    apply("a wrong type in an apply", `${SETS}/a`, aSet("a", {}, { replicas: "2" })),
    apply("a list instead of a map in an apply", `${SETS}/a`, aSet("a", {}, { template: [] })),
    apply(
      "a number for a variable in an apply",
      `${SETS}/a`,
      aSet("a", { containers: [aContainer({ env: [{ name: "A", value: 1 }] })] }),
    ),
    apply("an annotation that is a number", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", annotations: { n: 1 } },
    }),
    post("an unknown field in a POST", SETS, aSet("a", { foo: 1 }), { fieldValidation: "Strict" }),
    post(
      "two unknown fields in a POST",
      SETS,
      aSet("a", { containers: [aContainer({ bar: 2 })] }, { foo: 1 }),
      { fieldValidation: "Strict" },
    ),
    post("a wrong type in a POST", SETS, aSet("a", {}, { replicas: "2" })),
    post(
      "a number for a variable in a POST",
      SETS,
      aSet("a", { containers: [aContainer({ env: [{ name: "A", value: 1 }] })] }),
    ),
    post("an unknown field in a POST is left out", SETS, aSet("a", { foo: 1 })),
    merge("an unknown field in a merge patch", `${SETS}/a`, { spec: { foo: 1 } }, {
      fieldValidation: "Strict",
    }),
    merge("a wrong type in a merge patch", `${SETS}/a`, { spec: { replicas: "x" } }),
    {
      say: "an unknown field in a PUT",
      method: "PUT",
      path: `${SETS}/a`,
      query: { fieldValidation: "Strict" },
      body: aSet("a", {}, { foo: 1 }),
    },
    post("no kind", SETS, { metadata: { name: "a" } }),
    post("another kind", SETS, aPod("a")),
    post("another namespace", SETS, {
      ...aSet("b"),
      metadata: { name: "b", namespace: "elsewhere" },
    }),
    post("a name that is taken", SETS, aSet("a")),
    post("a name in the path", `${SETS}/a`, aSet("a")),
    get("an unknown resource", "/apis/apps/v1/namespaces/{ns}/nothings"),
    get("an unknown group", "/apis/nope.example/v1/namespaces/{ns}/things"),
    get("what is not there", `${SETS}/none`),
  ],
  "invalid-names": [
    post("capitals", SETS, aSet("Web")),
    post("an end with a dash", CONFIGMAPS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a-" },
    }),
    post("a name of 254", CONFIGMAPS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a".repeat(254) },
    }),
    post("no name", SETS, { ...aSet("a"), metadata: {} }),
    apply("a label's value with a blank", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", labels: { app: "a b" } },
    }),
    apply("a label's value of 64", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", labels: { app: "a".repeat(64) } },
    }),
    apply("a label's name with a blank", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", labels: { "a b": "a" } },
    }),
    apply("a label's name with two slashes", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", labels: { "a/b/c": "a" } },
    }),
    apply("an annotation's name with a blank", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", annotations: { "a b": "a" } },
    }),
    apply("annotations of 300 KiB", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", annotations: { big: "x".repeat(300 * 1024) } },
    }),
    post("a namespace with a dot", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "a.b" },
    }),
    post("a namespace that is there", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "default" },
    }),
    post(
      "into a namespace that is not there",
      "/apis/apps/v1/namespaces/not-there/statefulsets",
      aSet("a"),
    ),
    apply(
      "an apply into a namespace that is not there",
      "/apis/apps/v1/namespaces/not-there/statefulsets/a",
      aSet("a"),
    ),
    post("a key of a config map with a slash", CONFIGMAPS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "c" },
      data: { "a/b": "x" },
    }),
  ],
  "invalid-sets": [
    apply(
      "labels that the selector does not match",
      `${SETS}/a`,
      aSet("a", {}, { selector: { matchLabels: { app: "b" } } }),
    ),
    apply("no selector", `${SETS}/a`, aSet("a", {}, { selector: undefined })),
    apply("no template", `${SETS}/a`, aSet("a", {}, { template: undefined })),
    apply("less than no replicas", `${SETS}/a`, aSet("a", {}, { replicas: -1 })),
    apply("pods that are not restarted", `${SETS}/a`, aSet("a", { restartPolicy: "Never" })),
    apply(
      "a strategy that is none",
      `${SETS}/a`,
      aSet("a", {}, { updateStrategy: { type: "Recreate" } }),
    ),
    apply(
      "a pod management that is none",
      `${SETS}/a`,
      aSet("a", {}, { podManagementPolicy: "Other" }),
    ),
    apply("no containers", `${SETS}/a`, aSet("a", { containers: [] })),
    apply(
      "a container without an image",
      `${SETS}/a`,
      aSet("a", { containers: [{ name: "app" }] }),
    ),
    apply(
      "a container's name with capitals",
      `${SETS}/a`,
      aSet("a", { containers: [{ name: "App", image: "x" }] }),
    ),
    post(
      "two containers of one name",
      SETS,
      aSet("a", { containers: [aContainer(), aContainer()] }),
    ),
    wrongContainer("a port of 0", { ports: [{ containerPort: 0 }] }),
    wrongContainer("a port of 70000", { ports: [{ containerPort: 70000 }] }),
    wrongContainer("two ports of one name", {
      ports: [{ containerPort: 1, name: "a" }, { containerPort: 2, name: "a" }],
    }),
    wrongContainer("a variable with an equals sign", { env: [{ name: "A=B", value: "1" }] }),
    wrongContainer("a variable with a value and a source", {
      env: [{ name: "A", value: "1", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
    }),
    wrongContainer("a variable without a source", { env: [{ name: "A", valueFrom: {} }] }),
    wrongContainer("a mount of no volume", { volumeMounts: [{ name: "v", mountPath: "/v" }] }),
    wrongContainer("a quantity that is none", { resources: { requests: { memory: "lots" } } }),
    wrongContainer("a request above the limit", {
      resources: { requests: { memory: "2Gi" }, limits: { memory: "1Gi" } },
    }),
    wrongContainer("a pull policy that is none", { imagePullPolicy: "Sometimes" }),
    probe("a probe without a handler", { periodSeconds: 1 }),
    probe("a probe with two handlers", { tcpSocket: { port: 1 }, exec: { command: ["x"] } }),
    probe("a period of 0 is the default", { tcpSocket: { port: 1 }, periodSeconds: 0 }),
    probe("a period below 0", { tcpSocket: { port: 1 }, periodSeconds: -1 }),
    probe("a port of 0", { tcpSocket: { port: 0 } }),
    probe("a path of a probe without a slash", { httpGet: { port: 1, path: "x" } }),
    wrongContainer("a liveness probe that needs two successes", {
      livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 },
    }),
    wrongContainer("two volumes of one name", {}, {
      volumes: [{ name: "v", emptyDir: {}, configMap: { name: "c" } }],
    }),
    wrongContainer("a grace below 0", {}, { terminationGracePeriodSeconds: -1 }),
    wrongContainer("a stop signal without an OS", { lifecycle: { stopSignal: "SIGINT" } }),
    apply("a good one", `${SETS}/a`, aSet("a", { terminationGracePeriodSeconds: 3 })),
    apply(
      "deleting by hand, with what is left of rolling",
      `${SETS}/a`,
      aSet("a", {}, { updateStrategy: { type: "OnDelete" } }),
    ),
    apply("an empty selector", `${SETS}/e`, aSet("e", {}, { selector: {} })),
    apply("a deadline", `${SETS}/e`, aSet("e", { activeDeadlineSeconds: 5 })),
    apply(
      "a mount of a claim",
      `${SETS}/m`,
      aSet("m", { containers: [aContainer({ volumeMounts: [{ name: "d", mountPath: "/d" }] })] }, {
        volumeClaimTemplates: [{
          metadata: { name: "d" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        }],
      }),
    ),
    apply(
      "another selector",
      `${SETS}/a`,
      aSet("a", {}, { selector: { matchLabels: { app: "a", more: "x" } } }),
    ),
    merge("another service", `${SETS}/a`, { spec: { serviceName: "other" } }),
    merge("claims that were not there", `${SETS}/a`, {
      spec: {
        volumeClaimTemplates: [{
          metadata: { name: "d" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        }],
      },
    }),
    apply(
      "with claims",
      `${SETS}/c`,
      aSet("c", {}, {
        volumeClaimTemplates: [{
          metadata: { name: "d" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        }],
      }),
    ),
  ],
  "pod-security": [
    merge("the namespace is restricted", "/api/v1/namespaces/{ns}", {
      metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    }),
    post("a pod that says nothing", PODS, aPod("p")),
    post(
      "a pod that says half",
      PODS,
      aPod("p", {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      }),
    ),
    post(
      "a pod that runs as root",
      PODS,
      aPod("p", {
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 0,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
          aContainer({
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          }),
        ],
      }),
    ),
    post(
      "a privileged pod",
      PODS,
      aPod("p", {
        hostNetwork: true,
        containers: [aContainer({ securityContext: { privileged: true } })],
      }),
    ),
    post(
      "a pod of a host path",
      PODS,
      aPod("p", {
        volumes: [{ name: "h", hostPath: { path: "/" } }],
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          aContainer({
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          }),
        ],
      }),
    ),
    post(
      "a pod that says all",
      PODS,
      aPod("p", {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          aContainer({
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          }),
        ],
      }),
    ),
    apply("a set is only warned of", `${SETS}/a`, aSet("a")),
  ],
};
