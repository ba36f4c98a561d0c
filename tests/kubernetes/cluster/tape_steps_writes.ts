/** Steps of the tape about updates, scales, and writes of who has not seen the newest version. */
import { apply, aSet, get, merge, post, SETS, type TapeStep } from "./tape_objects.ts";

const OTHER_UID = "00000000-0000-0000-0000-000000000001";
/** The set, written by who saw its first version. */
const seen = (metadata: object, spec: Record<string, unknown> = {}) => ({
  ...aSet("a", {}, spec),
  metadata: { name: "a", resourceVersion: "{first.metadata.resourceVersion}", ...metadata },
});

/** The groups. */
export const writing: Record<string, TapeStep[]> = {
  "updates-own": [
    post("a POST creates", SETS, aSet("a"), {}, "first"),
    {
      say: "a PUT of the same changes nothing",
      method: "PUT",
      path: `${SETS}/a`,
      query: { fieldManager: "putter" },
      body: "{first}",
    },
    {
      say: "a PUT with an old version",
      method: "PUT",
      path: `${SETS}/a`,
      query: { fieldManager: "putter" },
      body: { ...aSet("a"), metadata: { name: "a", resourceVersion: "1" } },
    },
    {
      say: "a PUT with another uid",
      method: "PUT",
      path: `${SETS}/a`,
      body: { ...aSet("a"), metadata: { name: "a", uid: "00000000-0000-0000-0000-000000000001" } },
    },
    {
      say: "a PUT without a version",
      method: "PUT",
      path: `${SETS}/a`,
      query: { fieldManager: "putter" },
      body: aSet("a", {}, { replicas: 1 }),
    },
    { say: "a PUT of what is not there", method: "PUT", path: `${SETS}/none`, body: aSet("none") },
    { say: "a PUT with another name", method: "PUT", path: `${SETS}/a`, body: aSet("b") },
    merge("a merge patch with an old version", `${SETS}/a`, {
      metadata: { resourceVersion: "1" },
      spec: { replicas: 5 },
    }),
    merge("a merge patch with another uid", `${SETS}/a`, {
      metadata: { uid: "00000000-0000-0000-0000-000000000001" },
      spec: { replicas: 5 },
    }),
    merge("a merge patch that changes nothing", `${SETS}/a`, { spec: { replicas: 1 } }),
    merge("a merge patch of annotations", `${SETS}/a`, {
      metadata: { annotations: { a: "1", b: "2" } },
    }),
    merge("a merge patch that removes one", `${SETS}/a`, {
      metadata: { annotations: { a: null } },
    }),
    merge(
      "a merge patch by the one who applies elsewhere",
      `${SETS}/a`,
      { spec: { replicas: 2 } },
      { fieldManager: "worker" },
    ),
    {
      say: "a JSON patch",
      method: "PATCH",
      patch: "json",
      path: `${SETS}/a`,
      query: { fieldManager: "j" },
      body: [{ op: "test", path: "/spec/replicas", value: 2 }, {
        op: "replace",
        path: "/spec/replicas",
        value: 4,
      }],
    },
    {
      say: "a JSON patch whose test fails",
      method: "PATCH",
      patch: "json",
      path: `${SETS}/a`,
      body: [{ op: "test", path: "/spec/replicas", value: 2 }],
    },
    {
      say: "a JSON patch of what is not there",
      method: "PATCH",
      patch: "json",
      path: `${SETS}/a`,
      body: [{ op: "remove", path: "/spec/nope" }],
    },
    merge("a status by the status subresource", `${SETS}/a/status`, {
      status: { replicas: 1, readyReplicas: 1 },
      spec: { replicas: 9 },
    }, { fieldManager: "kube-controller-manager" }),
    merge("a status by the object is nothing", `${SETS}/a`, { status: { replicas: 7 } }),
    merge("a patch of what is not there", `${SETS}/none`, { spec: { replicas: 1 } }),
  ],
  "dry-runs": [
    post("a POST", SETS, aSet("a"), { dryRun: "All" }),
    apply("an apply that would create", `${SETS}/a`, aSet("a"), { dryRun: "All" }),
    get("nothing is there", `${SETS}/a`),
    post("an invalid POST", SETS, aSet("a", {}, { replicas: -1 }), { dryRun: "All" }),
    apply("a set", `${SETS}/a`, aSet("a")),
    apply("an apply that would change", `${SETS}/a`, aSet("a", {}, { replicas: 3 }), {
      dryRun: "All",
    }),
    apply("an apply that would change nothing", `${SETS}/a`, aSet("a"), { dryRun: "All" }),
    apply("an apply that would conflict", `${SETS}/a`, aSet("a", {}, { replicas: 3 }), {
      dryRun: "All",
      fieldManager: "other",
    }),
    merge("a merge patch", `${SETS}/a`, { spec: { replicas: 4 } }, { dryRun: "All" }),
    { say: "a deletion", method: "DELETE", path: `${SETS}/a`, query: { dryRun: "All" } },
    get("it is as it was", `${SETS}/a`),
  ],
  scale: [
    apply("an apply creates", `${SETS}/a`, aSet("a")),
    get("its scale", `${SETS}/a/scale`, {}, "scale"),
    merge("a patch of the scale", `${SETS}/a/scale`, { spec: { replicas: 1 } }),
    get("who owns the replicas", `${SETS}/a`),
    apply("an apply conflicts with it", `${SETS}/a`, aSet("a")),
    { say: "a PUT of an old scale", method: "PUT", path: `${SETS}/a/scale`, body: "{scale}" },
    get("its scale again", `${SETS}/a/scale`, {}, "again"),
    {
      say: "a PUT of the scale there is",
      method: "PUT",
      path: `${SETS}/a/scale`,
      query: { fieldManager: "putter" },
      body: "{again}",
    },
    get("the scale of what is not there", `${SETS}/none/scale`),
  ],
  "writes-out-of-date": [
    apply("a set", `${SETS}/a`, aSet("a"), {}, "first"),
    merge("it is edited", `${SETS}/a`, { spec: { replicas: 2 } }),
    apply("an apply of an old version that conflicts too", `${SETS}/a`, seen({})),
    apply("forced, of an old version", `${SETS}/a`, seen({}), { force: "true" }),
    apply("forced, of another uid and an old version", `${SETS}/a`, seen({ uid: OTHER_UID }), {
      force: "true",
    }),
    apply("forced, of an old version, and invalid", `${SETS}/a`, seen({}, { replicas: -1 }), {
      force: "true",
    }),
    merge("a merge patch of another uid and an old version", `${SETS}/a`, {
      metadata: { uid: OTHER_UID, resourceVersion: "{first.metadata.resourceVersion}" },
    }),
    {
      say: "a PUT of another uid and an old version",
      method: "PUT",
      path: `${SETS}/a`,
      body: seen({ uid: OTHER_UID }),
    },
    merge("a scale of an old version", `${SETS}/a/scale`, {
      metadata: { resourceVersion: "{first.metadata.resourceVersion}" },
      spec: { replicas: 1 },
    }),
    merge("a scale of another uid", `${SETS}/a/scale`, {
      metadata: { uid: OTHER_UID },
      spec: { replicas: 1 },
    }),
    get("the set as it is", `${SETS}/a`, {}, "live"),
    merge("a scale of the uid and version there are", `${SETS}/a/scale`, {
      metadata: {
        uid: "{live.metadata.uid}",
        resourceVersion: "{live.metadata.resourceVersion}",
      },
      spec: { replicas: 0 },
    }),
    { say: "the set goes", method: "DELETE", path: `${SETS}/a` },
    apply("an apply with the uid of the one that is gone", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", uid: "{first.metadata.uid}" },
    }),
    apply(
      "an apply with its version and no uid makes it anew",
      `${SETS}/a`,
      seen({}),
      {},
      "second",
    ),
    apply("an apply with the first one's uid", `${SETS}/a`, {
      ...aSet("a"),
      metadata: { name: "a", uid: "{first.metadata.uid}" },
    }),
    apply("an apply with the second one's uid and version", `${SETS}/a`, {
      ...aSet("a"),
      metadata: {
        name: "a",
        annotations: { a: "b" },
        uid: "{second.metadata.uid}",
        resourceVersion: "{second.metadata.resourceVersion}",
      },
    }),
    {
      say: "a deletion of the first one",
      method: "DELETE",
      path: `${SETS}/a`,
      body: {
        kind: "DeleteOptions",
        apiVersion: "v1",
        preconditions: { uid: "{first.metadata.uid}" },
      },
    },
  ],
};
