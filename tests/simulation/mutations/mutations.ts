/** Every mutation, in the order of the table in `docs/testing.md`. */
import { BUS_MUTATIONS } from "./bus_mutations.ts";
import { HOST_MUTATIONS } from "./host_mutations.ts";
import { LIFECYCLE_MUTATIONS } from "./lifecycle_mutations.ts";
import { LOG_MUTATIONS } from "./log_mutations.ts";
import type { Mutation } from "./mutation.ts";
import { NODE_MUTATIONS } from "./node_mutations.ts";
import { WORKER_MUTATIONS } from "./worker_mutations.ts";

export const MUTATIONS: readonly Mutation[] = [
  ...LOG_MUTATIONS,
  ...BUS_MUTATIONS,
  ...LIFECYCLE_MUTATIONS,
  ...NODE_MUTATIONS,
  ...WORKER_MUTATIONS,
  ...HOST_MUTATIONS,
];
