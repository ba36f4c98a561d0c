/** What a program that asks a server how it is runs under: no more than the server itself. */
import type { LaunchPlan } from "../templates/launch_plan.ts";
import type { ProbePlan } from "../templates/probe_plan.ts";
import type { Confined } from "./confinement.ts";

/**
 * Joins the groups of its first argument, sets the limits of its second, and becomes the rest. What cannot be joined or
 * set does not hold the server either.
 */
const WITHIN = `set -f
for limit in $1; do { echo 0 >"$limit"; } 2>/dev/null; done
for limit in $2; do ulimit "-\${limit%%=*}" "\${limit#*=}" 2>/dev/null; done
shift 2
exec "$@"`;

/** Puts another program before one, which becomes it. */
export type ProgramAs = (
  program: Pick<LaunchPlan, "argv" | "workingDirectory">,
) => { argv: string[]; workingDirectory: string };

/** The probes of a plan, those that are programs run so, and called in messages as they were before. */
export function probesBy(
  { readiness, liveness }: LaunchPlan,
  programAs: ProgramAs,
): Pick<LaunchPlan, "readiness" | "liveness"> {
  const by = <Probe extends ProbePlan & { kind: "command" }>(probe: Probe): Probe => ({
    ...probe,
    name: probe.name ?? probe.argv[0],
    ...programAs(probe),
  });
  return {
    readiness: readiness?.kind === "command" ? by(readiness) : readiness,
    liveness: liveness?.probe.kind === "command"
      ? { ...liveness, probe: by(liveness.probe) }
      : liveness,
  };
}

/** The plan with its probes held by what holds its server: what they fork or take counts with that, and ends with it. */
export function withProbesIn(plan: LaunchPlan, { joins, ulimits }: Confined): LaunchPlan {
  if (joins.length === 0 && ulimits.length === 0) return plan;
  const held: ProgramAs = ({ argv, workingDirectory }) => ({
    argv: ["sh", "-c", WITHIN, "sh", joins.join(" "), ulimits.join(" "), ...argv],
    workingDirectory,
  });
  return { ...plan, ...probesBy(plan, held) };
}
