/** What the tape of a real API server is recorded of: requests in groups, each group in a namespace of its own. */
import { applying } from "./tape_steps_apply.ts";
import { lifecycle } from "./tape_steps_objects.ts";
import { refusing } from "./tape_steps_refusals.ts";
import { writing } from "./tape_steps_writes.ts";
import type { TapeStep } from "./tape_objects.ts";

/** All groups, by name. */
export const TAPE_STEPS: Readonly<Record<string, readonly TapeStep[]>> = {
  ...applying,
  ...writing,
  ...refusing,
  ...lifecycle,
};
