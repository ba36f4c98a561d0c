/** What a program that asks a server how it is runs under: no more than the server itself. */
import type { LaunchPlan } from "../templates/launch_plan.ts";
import type { LivenessPlan, ProbePlan } from "../templates/probe_plan.ts";
import type { HostPolicy } from "../policy/host_policy.ts";
import { mayRunProgram } from "../policy/host_rules.ts";
import type { Confined } from "./confinement.ts";
import { inResolvedFolder } from "./launch_wish.ts";
import { findProgram } from "./preflight.ts";

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

/**
 * What a worker asks a run that another one started: `worker.yaml` may have changed since, and what it does not allow any
 * more is not run. The server itself goes on, unasked.
 */
export async function livenessAllowed(
  policy: HostPolicy,
  liveness: LivenessPlan | null,
): Promise<LivenessPlan | null> {
  if (policy.binaries === null || liveness?.probe.kind !== "command") return liveness;
  const { name, argv, env, workingDirectory } = liveness.probe;
  const found = await findProgram(name ?? argv[0]!, env.PATH ?? "", workingDirectory);
  if ("code" in found) return null;
  return mayRunProgram(policy, await inResolvedFolder(found.path)) ? liveness : null;
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
