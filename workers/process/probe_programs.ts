/** What a program that asks a server how it is runs under: no more than the server itself. */
import type { LaunchPlan } from "../templates/launch_plan.ts";
import type { ProbePlan } from "../templates/probe_plan.ts";

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
