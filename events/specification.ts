/** What a user says an instance should be: names, placement, configuration, restart policy. Design §2, §6. */
import { z } from "zod";
import {
  configurationFaults,
  type Fault,
  faultsOf,
  type Template,
  templateSchema,
} from "./configuration.ts";
import { canonicalJson, type JsonObject } from "./json.ts";
import { limitsSchema } from "./limits.ts";

/** A JSON object of any content; templates check what is inside. */
export const jsonObjectSchema = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  { error: "must be a JSON object" },
).meta({ type: "object" });

const milliseconds = (least: number, most: number) => {
  const error = `must be a whole number of milliseconds from ${least} to ${most}`;
  return z.number({ error }).int(error).min(least, error).max(most, error);
};

/** What is done about one exit code, whatever the policy's mode says. */
const exitCodeRule = z.enum(["never", "always"], {
  error: "must be never (leave it) or always (start it again)",
});
const exitCodes = z.record(
  z.string().regex(
    /^(0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/,
    "must be an exit code, a whole number from 0 to 255",
  ),
  exitCodeRule,
  { error: 'must be rules by exit code, such as {"3": "never", "75": "always"}' },
);

/**
 * When a server that ended by itself is started again. The delay before try `n` (from 0) is drawn from
 * [0, min(capMs, baseMs · factorⁿ)] ("full jitter", AWS Architecture Blog 2015); `n` begins anew after
 * `resetAfterMs` of steady running; more than `maxStarts` within `windowMs` is a crash loop.
 * `exitCodes` come before `mode`; an end by a signal has no code, and an unhealthy server counts as a failure.
 */
export const restartPolicySchema = z.strictObject({
  mode: z.enum(["never", "on-failure", "always"], {
    error: "must be one of never, on-failure, always",
  })
    .default("on-failure"),
  baseMs: milliseconds(0, 3_600_000).default(200),
  factor: z.number({ error: "must be a number from 1 to 10" }).min(1).max(10).default(2),
  capMs: milliseconds(0, 86_400_000).default(60_000),
  resetAfterMs: milliseconds(0, 86_400_000).default(60_000),
  maxStarts: z.number().int().min(1).max(100).default(10),
  windowMs: milliseconds(1, 86_400_000).default(600_000),
  exitCodes: exitCodes.optional(),
});
export type RestartPolicy = z.infer<typeof restartPolicySchema>;

/** The policy of an instance that names none. */
export const DEFAULT_RESTART_POLICY: RestartPolicy = restartPolicySchema.parse({});

const LABEL = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const labelText =
  "must be 1 to 63 letters, digits, '.', '_', '/' or '-', beginning and ending with a letter or digit";

const LABELS_MAX = 64;

/** Names and values of labels, of instances as of workers. */
export const labelsSchema = z.record(z.string().regex(LABEL, labelText), z.string().max(256))
  .refine((labels) => Object.keys(labels).length <= LABELS_MAX, {
    error: `must be at most ${LABELS_MAX} labels`,
  });

/** Platforms that this release has workers for. */
export const platformSchema = z.enum(["process", "docker", "kubernetes"], {
  error: "must be one of process, docker, kubernetes",
});
export type PlatformName = z.infer<typeof platformSchema>;

/** What each platform can run. */
export const TEMPLATES_OF: Readonly<Record<PlatformName, readonly Template[]>> = {
  process: ["drasi-server", "command"],
  docker: ["drasi-server", "image"],
  kubernetes: ["drasi-server", "image"],
};

/** What is wrong with choices that are right each by itself. */
export function choiceFaults(
  { platform, template, onWorkerLost }: Pick<
    Specification,
    "platform" | "template" | "onWorkerLost"
  >,
): Fault[] {
  const offered = TEMPLATES_OF[platform];
  const faults: Fault[] = [];
  const on = `on the platform ${platform}`;
  if (!offered.includes(template)) {
    faults.push({ path: "template", message: `must be ${offered.join(" or ")} ${on}` });
  }
  // A lease is kept by a shim beside the server, which containers do not have.
  if (platform !== "process" && onWorkerLost === "reschedule") {
    faults.push({ path: "onWorkerLost", message: `must be wait ${on}` });
  }
  return faults;
}

const onWorkerLostSchema = z.enum(["wait", "reschedule"], {
  error: "must be one of wait, reschedule",
});
const DEFAULT_LEASE_MS = 30_000;
/** A silent worker is noticed within 5 s; a shorter lease would end servers over a hiccup. Design §4 rule 8. */
const leaseMsSchema = milliseconds(6_000, 86_400_000);

export const specificationSchema = z.strictObject({
  name: z.string({ error: "must be a string" }).trim().min(1, "must not be empty").max(
    200,
    "must have at most 200 characters",
  ),
  description: z.string({ error: "must be a string" }).max(
    2_000,
    "must have at most 2000 characters",
  ).default(""),
  platform: platformSchema.default("process"),
  template: templateSchema.default("drasi-server"),
  configuration: jsonObjectSchema,
  labels: labelsSchema.default({}),
  restartPolicy: restartPolicySchema.default(DEFAULT_RESTART_POLICY),
  /**
   * `wait`: it stays with its host until that returns. `reschedule`: it goes on elsewhere once its worker has not been
   * heard for `leaseMs`; the price is that its host ends it when the worker cannot reach the log for so long.
   */
  onWorkerLost: onWorkerLostSchema.default("wait"),
  /** Only with `reschedule`; a server gets it at its start. */
  leaseMs: leaseMsSchema.default(DEFAULT_LEASE_MS),
  /** Only a worker that has all of these starts it. */
  workerLabels: labelsSchema.default({}),
  /** A server gets them at its start. */
  limits: limitsSchema.optional(),
});

/** All that a user decides of an instance. Each change of `configuration` gets a new revision number. */
export type Specification = z.infer<typeof specificationSchema>;

/** What a specification says about workers where it was written before it could. */
export const DEFAULT_WORKER_CHOICE = {
  onWorkerLost: "wait",
  leaseMs: DEFAULT_LEASE_MS,
  workerLabels: {},
} as const satisfies Partial<Specification>;

/** The parts of a specification that a user may change later. */
export const specificationChangesSchema = z.strictObject({
  name: specificationSchema.shape.name.optional(),
  description: z.string({ error: "must be a string" }).max(2_000).optional(),
  configuration: jsonObjectSchema.optional(),
  labels: labelsSchema.optional(),
  restartPolicy: restartPolicySchema.optional(),
  onWorkerLost: onWorkerLostSchema.optional(),
  leaseMs: leaseMsSchema.optional(),
  workerLabels: labelsSchema.optional(),
  /** Replaced as a whole; empty: none any more. */
  limits: limitsSchema.optional(),
});
export type SpecificationChanges = z.infer<typeof specificationChangesSchema>;

/** Where an instance is to run from a move on, and as what; a part that is not named stays as it is. */
export const destinationSchema = z.strictObject({
  platform: platformSchema,
  template: templateSchema.optional(),
  configuration: jsonObjectSchema.optional(),
  onWorkerLost: onWorkerLostSchema.optional(),
  workerLabels: labelsSchema.optional(),
});
export type Destination = z.infer<typeof destinationSchema>;

/** The specification with those parts that `changes` names. */
export function changed(
  present: Specification,
  changes: SpecificationChanges | Destination,
): Specification {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...present, ...Object.fromEntries(given) };
}

/** Whether an instance that is as `present` says is already as `changes` wants it. */
export function isAlready(
  present: Specification,
  changes: SpecificationChanges | Destination,
): boolean {
  return canonicalJson(changed(present, changes)) === canonicalJson(present);
}

/** What is wrong with an instance that is as `present` says and is changed in `changes`, by the parts that change. */
export function specificationFaults(
  present: Specification,
  changes: SpecificationChanges | Destination,
): Fault[] {
  const next = changed(present, changes);
  const isChosen = "platform" in changes || "onWorkerLost" in changes;
  const isConfigured = "template" in changes || "configuration" in changes;
  return [
    ...(isChosen ? choiceFaults(next) : []),
    ...(isConfigured
      ? configurationFaults(next.template, next.configuration).map(({ path, message }) => ({
        path: path === "" ? "configuration" : `configuration.${path}`,
        message,
      }))
      : []),
  ];
}

/** The parsed value, or every fault in it. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; faults: Fault[] };

/** Checks `input` against `schema`; finds every fault at once. */
export function parseWith<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const result = schema.safeParse(input);
  return result.success
    ? { ok: true, value: result.data }
    : { ok: false, faults: faultsOf(result) };
}
