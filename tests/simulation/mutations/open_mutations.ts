/** Mutations that no seed has noticed yet: `deno task mutations --only NAME` tries again. Other tests hold the code. */
import type { Mutation } from "./mutation.ts";

const FUNCTIONS = "adapters/redis/functions";

export const OPEN_MUTATIONS: readonly Mutation[] = [
  {
    name: "lose-who-is-heard",
    sentence:
      "The step that gives a worker up does not count its silence once more, by the log's clock. Rule 8.",
    edits: [{
      file: `${FUNCTIONS}/workers.lua`,
      find: "  if now_ms() - last_beat(keys, worker_id, worker) < silent_ms then return {} end\n",
      replace: "",
    }],
    noticedBy: ["nobodyIsLostAfterADisturbance", "leasesAreKept", "neverTwo"],
    draw: { form: "redis", faults: ["worker-silent", "worker-frozen", "redis-slow"] },
    seedsMax: 150,
  },
  {
    name: "go-on-from-another-history",
    sentence:
      "An append does not compare where the last event is that was decided upon. Design §5 (`HISTORY_ROLLBACK`).",
    edits: [{
      file: `${FUNCTIONS}/append.lua`,
      find: "  if args[14] ~= '' and args[14] ~= instance.last then",
      replace: "  if false then",
    }],
    noticedBy: ["effectsAreWhatIsDecided", "statesAreTheFold", "acknowledgedIsInTheLog"],
    draw: { form: "redis", faults: ["redis-rolled-back", "node-silent", "node-frozen"] },
    seedsMax: 600,
  },
];
