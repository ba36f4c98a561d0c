/** Each form in which this machine can hold a run, against the contract. */
import { openCgroupConfinement } from "../../workers/process/cgroup_confinement.ts";
import { confinementContract } from "../contracts/confinement_contract.ts";
import { realClock } from "./process_world.ts";

const FORMS: [string, { first: boolean; second: boolean }][] = [
  ["all control groups of the host", { first: true, second: true }],
  ["control groups of version 1", { first: true, second: false }],
  ["control groups of version 2", { first: false, second: true }],
  ["resource limits alone", { first: false, second: false }],
];

for (const [name, versions] of FORMS) {
  confinementContract(name, (site) =>
    openCgroupConfinement({
      clock: realClock,
      site,
      path: Deno.env.get("PATH") ?? "",
      versions,
    }));
}
