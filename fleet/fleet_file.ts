/** The form of a fleet file: which instances there are to be, as what, and whether they run. docs/fleet.md */
import { z } from "zod";
import { templateSchema } from "../events/configuration.ts";
import { ID_PATTERN } from "../events/ids.ts";
import {
  jsonObjectSchema,
  labelsSchema,
  platformSchema,
  specificationChangesSchema,
} from "../events/specification.ts";

/** The label by which an instance is known as one that a fleet's file has made; its value is the fleet's name. */
export const FLEET_LABEL = "draas/fleet";
/** Labels that begin so are DRaaS's own: files neither set them nor take them away. */
export const RESERVED_LABELS = "draas/";
/** Of a file, counts expanded. */
export const INSTANCES_MAX = 5_000;

const fleetName = z.string({ error: "must be a string: the fleet's name" }).regex(
  /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
  "must be 1 to 63 letters, digits, '.', '_' or '-', beginning and ending with a letter or digit",
);

/** Short enough for the number that `count` puts behind it. */
const NAME_CHARACTERS_MAX = 190;
const entryName = z.string().min(1, "must not be empty")
  .max(NAME_CHARACTERS_MAX, `must have at most ${NAME_CHARACTERS_MAX} characters`)
  .regex(/^\S(.*\S)?$/s, "must not begin or end with a space");

const shareText = "must be a whole number from 1 on, or a share from 1% to 100%";

/** How many of a group: a number, or a percentage such as `25%`. */
export const shareSchema = z.union(
  [
    z.int(shareText).min(1, shareText).max(INSTANCES_MAX, shareText),
    z.string().regex(/^([1-9]\d?|100)%$/, shareText),
  ],
  { error: shareText },
);
export type Share = z.infer<typeof shareSchema>;

const labels = labelsSchema.superRefine((given, context) => {
  for (const key of Object.keys(given).filter((one) => one.startsWith(RESERVED_LABELS))) {
    const message = `must not begin with ${RESERVED_LABELS}: those are set by DRaaS`;
    context.addIssue({ code: "custom", path: [key], message });
  }
});

const { name, description, restartPolicy, onWorkerLost, leaseMs, workerLabels, limits } =
  specificationChangesSchema.shape;

/** What an instance is, part by part; what no part says is as for an instance that is created without it. */
const parts = {
  description,
  platform: platformSchema.optional(),
  template: templateSchema.optional(),
  serverConfiguration: jsonObjectSchema.optional(),
  labels: labels.optional(),
  restartPolicy,
  onWorkerLost,
  leaseMs,
  workerLabels,
  limits,
};

const desired = z.enum(["running", "stopped"], { error: "must be running or stopped" });

const countText = `must be a whole number from 0 to ${INSTANCES_MAX}`;

const entrySchema = z.strictObject({
  from: z.union([z.string(), z.array(z.string()).max(20)], {
    error: "must be the name of a base, or a list of names",
  }).optional()
    .describe("bases that it is made of; of two that say the same the later one counts"),
  count: z.int(countText).min(0, countText).max(INSTANCES_MAX, countText).optional()
    .describe("so many of it, called NAME-1, NAME-2 and so on"),
  desired: desired.optional().describe("running, if nothing is said"),
  maxUnavailable: shareSchema.optional()
    .describe("how many of its count may be down at once while it is changed"),
  id: z.string().regex(ID_PATTERN, "must be an instance's id: letters, digits and '-'").optional()
    .describe("of an instance that was not made by this file; it is never pruned"),
  name: name.describe("what that instance is called, where it is not the entry's name"),
  ...parts,
}).superRefine(({ id, count, name }, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (id !== undefined && count !== undefined) refuse("count", "must not stand beside id");
  if (id === undefined && name !== undefined) {
    refuse("name", "must stand beside id: else an instance is called as its entry");
  }
});

/** A fleet file. */
export const fleetFileSchema = z.strictObject({
  fleet: fleetName.describe("whose instances they are; two files of one name are one fleet"),
  maxUnavailable: shareSchema.optional()
    .describe("how many of the whole fleet may be down at once while it is changed; else 1"),
  bases: z.record(entryName, z.strictObject(parts)).optional()
    .describe("what several instances have in common, by names of its own"),
  instances: z.record(entryName, entrySchema).describe("by their names"),
});

/** As it is written. */
export type FleetFile = z.input<typeof fleetFileSchema>;
/** One entry of it. */
export type FleetEntry = FleetFile["instances"][string];
/** Whether an instance is to run. */
export type Desired = z.infer<typeof desired>;
