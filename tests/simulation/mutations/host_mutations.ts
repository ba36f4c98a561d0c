/** Mutations of the modelled host and platform: what a shim holds, and until when a server may live. */
import type { Mutation } from "./mutation.ts";

const HOST = "tests/simulation/host_model.ts";

export const HOST_MUTATIONS: readonly Mutation[] = [
  {
    name: "spawn-below-the-fence",
    sentence: "A shim does not compare its generation with the folder's. Rule 6.",
    edits: [{
      file: HOST,
      find: "isBelow(given.fence, folder.fence)",
      replace: "given.fence.generation < 0",
    }],
    noticedBy: ["spawnsAreInOrder"],
    draw: { form: "redis", faults: ["worker-killed", "worker-doubled"] },
    seedsMax: 150,
  },
  {
    name: "spawn-after-the-deadline",
    sentence: "A shim that was frozen between accept and spawn spawns when it thaws. Rule 6.",
    edits: [{
      file: HOST,
      find: "time.elapsed > given.deadline || ",
      replace: "",
    }],
    noticedBy: ["spawnsAreInTime"],
    draw: { faults: ["host-frozen"] },
    seedsMax: 150,
  },
  {
    name: "no-lease",
    sentence: "Nobody on the host ends what has outlived its lease. Rule 8.",
    edits: [{
      file: HOST,
      find: "if (given.lease) this.watchLease(",
      replace: "if (given.lease?.leaseMs === 0) this.watchLease(",
    }],
    noticedBy: ["leasesAreKept", "neverTwo"],
    draw: { form: "redis", faults: ["worker-silent", "worker-frozen", "worker-killed"] },
    seedsMax: 150,
  },
  {
    name: "worker-holds-the-lease",
    sentence:
      "The worker ends what has outlived its lease, not the shim: one that is frozen ends nothing. Rule 8.",
    edits: [{
      file: "tests/simulation/model_platform.ts",
      find: "lease: spec.lease ?? null,",
      replace: "lease: spec.lease ? { ...spec.lease, worker: this.life } : null,",
    }, {
      file: HOST,
      find: "if (leftMs > 0) return this.after(leftMs, look);",
      replace:
        "if (leftMs > 0) {\n        return this.time.after(leftMs, look, (lease as unknown as { worker: Life }).worker);\n      }",
    }],
    noticedBy: ["leasesAreKept", "neverTwo"],
    draw: { form: "redis", faults: ["worker-frozen", "worker-killed"] },
    seedsMax: 150,
  },
  {
    name: "lease-from-the-spawn",
    sentence: "The first lease counts from the spawn, not from the accept. Rule 8.",
    edits: [{
      file: HOST,
      find: "this.watchLease(process, given.lease",
      replace: "this.watchLease(process, { ...given.lease, fromMs: this.time.elapsed }",
    }],
    noticedBy: ["leasesAreKept", "neverTwo"],
    draw: { form: "redis", faults: ["worker-killed"] },
    seedsMax: 150,
  },
  {
    name: "lose-an-exit",
    sentence: "A server that ends by itself is noticed by nobody, then or later. Promise 7.",
    edits: [{
      file: "tests/simulation/model_platform.ts",
      find: "    this.listener(this.infoOf(process));\n",
      replace: "",
    }, {
      file: "events/compare_pace.ts",
      find: "COMPARE_EVERY_MS = 30_000",
      replace: "COMPARE_EVERY_MS = 30_000_000",
    }],
    noticedBy: ["nothingIsOrphaned"],
    draw: { faults: ["server-exits"] },
    seedsMax: 150,
  },
];
