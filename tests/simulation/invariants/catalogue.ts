/** Every invariant by its name, with the sentence that says what must hold and where it comes from. */
import { LIFECYCLE_RULES } from "../../history/lifecycle_rules.ts";
import { COMMAND_RULES, ORDER_RULES } from "../../history/log_rules.ts";
import { PROCESS_SENTENCES } from "../../history/process_lives.ts";
import { READ_RULES } from "../../history/read_rules.ts";
import { ANSWER_RULES } from "../../history/telling.ts";
import { LEASE_SENTENCES, SPAWN_RULES } from "./process_rules.ts";
import { FENCE_RULES, ROLLBACK_RULES } from "./retention_rules.ts";
import { WORKER_RULES } from "./worker_rules.ts";
import { REST_RULES, WORLD_RULES } from "./world_rules.ts";

const RULES: Readonly<Record<string, { sentence: string }>> = {
  ...ORDER_RULES,
  ...COMMAND_RULES,
  ...LIFECYCLE_RULES,
  ...ANSWER_RULES,
  ...READ_RULES,
  ...SPAWN_RULES,
  ...WORKER_RULES,
  ...ROLLBACK_RULES,
  ...FENCE_RULES,
  ...WORLD_RULES,
  ...REST_RULES,
};

/** By name; each can be given as the `invariant` of a violation. */
export const INVARIANTS: Readonly<Record<string, string>> = {
  ...PROCESS_SENTENCES,
  ...LEASE_SENTENCES,
  ...Object.fromEntries(Object.entries(RULES).map(([name, { sentence }]) => [name, sentence])),
};
