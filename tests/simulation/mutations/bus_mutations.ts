/** Mutations of who gets a command and what a worker is: offers, accepts, incarnations, losses. */
import type { Mutation } from "./mutation.ts";

const FUNCTIONS = "adapters/redis/functions";

export const BUS_MUTATIONS: readonly Mutation[] = [
  {
    name: "accept-any-generation",
    sentence: "A first accept does not ask whether a newer request has come. Rule 7.",
    edits: [{
      file: `${FUNCTIONS}/accept.lua`,
      find:
        "  if command.generation < instance.generation and not ends_newer(keys, command) then\n",
      replace: "  if false then\n",
    }],
    noticedBy: ["onlyTheNewestIsAcceptedFirst"],
    // Only a log that was put back gives a generation again that runs already.
    draw: {
      form: "redis",
      faults: ["redis-rolled-back", "worker-frozen", "worker-silent", "host-frozen"],
    },
    seedsMax: 600,
  },
  {
    name: "ignore-accept-by",
    sentence: "A command is accepted after its time is over. Rules 1, 3.",
    edits: [{
      file: `${FUNCTIONS}/accept.lua`,
      find: "  if now >= command.acceptBy then\n",
      replace: "  if false then\n",
    }],
    noticedBy: ["lateIsNotAccepted"],
    draw: { form: "redis", faults: ["worker-frozen", "node-frozen", "worker-killed"] },
    seedsMax: 150,
  },
  {
    name: "take-over-on-another-host",
    sentence: "A worker accepts what another one, at another site, has accepted. Rules 2, 7.",
    edits: [{
      file: `${FUNCTIONS}/accept.lua`,
      find: "    if accepted.workerId ~= worker_id then return { 'refused', 'taken' } end\n",
      replace: "",
    }],
    noticedBy: ["takeoverStaysWithItsWorker"],
    draw: { form: "redis", faults: ["worker-frozen", "redis-slow"] },
    seedsMax: 600,
  },
  {
    name: "forget-the-claim",
    sentence:
      "An accepted command stays on its stream, where others find and steal it. Design §3 step 4, rule 5.",
    edits: [{
      file: `${FUNCTIONS}/accept.lua`,
      find: "  take_off(command)\n",
      replace: "",
    }],
    noticedBy: ["streamsHoldEachCommandOnce"],
    draw: { form: "redis" },
    seedsMax: 150,
  },
  {
    name: "accept-anew-each-time",
    sentence:
      "An accept that is repeated by the same incarnation counts as another attempt. Design §3 step 4.",
    edits: [{
      file: `${FUNCTIONS}/accept.lua`,
      find:
        "    if accepted.incarnation == incarnation then\n      return { 'accepted', whole(accepted.attempt), accepted.settle and '1' or '0' }\n    end\n",
      replace: "",
    }],
    noticedBy: ["takeoverStaysWithItsWorker"],
    draw: { form: "redis", faults: ["worker-frozen", "redis-slow", "worker-cut"] },
    seedsMax: 150,
  },
  {
    name: "refuse-an-old-take-over",
    sentence:
      "A take-over of an old generation is refused instead of settled, which loses the run of the first attempt. Rule 7.",
    edits: [{
      file: `${FUNCTIONS}/accept.lua`,
      find:
        "    local instance = read_instance(keys, command.instance)\n    return accept_as(keys, command, worker_id, worker, instance, now_ms())\n",
      replace:
        "    local instance = read_instance(keys, command.instance)\n    if command.generation < instance.generation then\n      return end_instead(keys, command, worker_id, instance, 'CommandRefused', 'StaleGeneration')\n    end\n    return accept_as(keys, command, worker_id, worker, instance, now_ms())\n",
    }],
    noticedBy: ["acceptedIsEndedByItsWorker"],
    draw: { form: "redis", faults: ["worker-killed", "worker-doubled"] },
    seedsMax: 150,
  },
  {
    name: "forget-the-incarnation",
    sentence: "Whoever has a worker's id speaks for it, also a former life of it. Rule 7.",
    edits: [{
      file: `${FUNCTIONS}/shared.lua`,
      find: "  if heard == incarnation then\n",
      replace: "  if heard then\n",
    }],
    noticedBy: ["supersededIncarnationsAreRefused"],
    draw: { form: "redis", faults: ["worker-doubled"] },
    seedsMax: 150,
  },
  {
    name: "poison-for-ever",
    sentence: "A command that nobody can accept is offered again and again. Rule 12.",
    edits: [{
      file: `${FUNCTIONS}/waiting.lua`,
      find: "    if deliveries >= deliveries_max then\n",
      replace: "    if false then\n",
    }, {
      file: `${FUNCTIONS}/waiting.lua`,
      find: "      if (deliveries or 0) + tonumber(fields[8] or '0') >= tonumber(args[6]) then\n",
      replace: "      if false then\n",
    }],
    noticedBy: ["nothingIsOfferedForEver"],
    draw: { form: "redis", faults: ["worker-chokes"] },
    seedsMax: 50,
  },
];
