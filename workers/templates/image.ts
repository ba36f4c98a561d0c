/** How an image is run, on a container engine as in a cluster: plain data; nothing here has happened yet. Pure. */
import { z } from "zod";
import {
  type Liveness,
  parseImageConfiguration,
  type Readiness,
} from "../../events/configuration.ts";
import { limitsSchema } from "../../events/limits.ts";
import { parseLinePattern } from "../../events/line_pattern.ts";
import type { StartSpec } from "../platform.ts";
import type { KnownFailure } from "./known_failure.ts";
import { livenessPace, READY_WITHIN_MS, SETTLE_MS, STOP_GRACE_MS } from "./pace.ts";

/** Where ports are published that say nothing else: on the daemon's own host alone. */
export const DEFAULT_HOST = "127.0.0.1";

/** A question to a container; ports are its own, not those where they are published. */
const questionSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("http"), port: z.number(), path: z.string() }),
  z.object({ kind: z.literal("tcp"), port: z.number() }),
  /** A program of the image, without a shell. */
  z.object({ kind: z.literal("command"), argv: z.array(z.string()).min(1) }),
]);
export type ContainerQuestion = z.infer<typeof questionSchema>;

/** What a later worker has to know of a container that it finds: kept in a label. */
export const keptPlanSchema = z.object({
  stopSignal: z.string(),
  stopGraceMs: z.number(),
  /** Where ports are published. */
  host: z.string(),
  /** The port of the container that is the instance's; null: it has none. */
  port: z.number().nullable(),
  limits: limitsSchema.optional(),
  /** The secrets that it was given, to be hidden in what it prints. */
  given: z.array(z.object({ name: z.string(), mark: z.number().nullable() })).default([]),
  liveness: z.object({
    question: questionSchema,
    /** Where drasi-server lists sources, queries and reactions; null: it has no parts that are known. */
    components: z.object({ port: z.number(), path: z.string() }).nullable().default(null),
    intervalMs: z.number(),
    timeoutMs: z.number(),
    failures: z.number(),
    successes: z.number(),
  }).nullable(),
});
export type KeptPlan = z.infer<typeof keptPlanSchema>;

/** Of a plan what is kept, as text. */
export function keptText(
  { stopSignal, stopGraceMs, host, port, limits, given, liveness }: KeptPlan,
): string {
  return JSON.stringify({ stopSignal, stopGraceMs, host, port, limits, given, liveness });
}

/** When a container counts as started, besides living for a moment. */
export type ContainerReadiness =
  & (ContainerQuestion | { kind: "log"; contains: string | null; matches: string | null })
  & { withinMs: number };

/** How one container is run. */
export interface ContainerPlan extends KeptPlan {
  image: string;
  command: readonly string[] | null;
  env: Readonly<Record<string, string>>;
  workingDirectory: string | null;
  user: string | null;
  ports: readonly { port: number; published: number | null }[];
  volumes: readonly { name: string; path: string }[];
  /** Put in before its start, by absolute path; for all to read. No secret is in one. */
  files: readonly { path: string; content: string }[];
  /** Folders that its user has to be able to write to, whoever that is: volumes, and others that are empty at each start. */
  writable: readonly string[];
  isReadOnly: boolean;
  settleMs: number;
  readiness: ContainerReadiness | null;
  /** Exit codes after which the same start fails again (usage errors). */
  finalExitCodes: readonly number[];
  /** What its last words mean when it ends before it counts as started; the first that is found counts. */
  knownFailures: readonly KnownFailure[];
}

/** The plan for a valid configuration. A container finds the port that is the instance's in `PORT`. */
export function planContainer(
  { instanceId, runId, configuration, limits }: StartSpec,
): ContainerPlan {
  const wanted = parseImageConfiguration(configuration);
  const port = wanted.ports?.[0]?.port ?? null;
  return {
    image: wanted.image,
    command: wanted.command ?? null,
    env: {
      ...(port === null ? {} : { PORT: String(port) }),
      ...wanted.env,
      DRAAS_INSTANCE_ID: instanceId,
      DRAAS_RUN_ID: runId,
    },
    workingDirectory: wanted.workingDirectory ?? null,
    user: wanted.user ?? null,
    host: wanted.host ?? DEFAULT_HOST,
    port,
    ports: (wanted.ports ?? []).map((one) => ({
      port: one.port,
      published: one.published ?? null,
    })),
    volumes: wanted.volumes ?? [],
    files: [],
    writable: [],
    isReadOnly: wanted.readOnly ?? false,
    ...(limits === undefined ? {} : { limits }),
    given: [],
    stopSignal: wanted.stopSignal ?? "SIGTERM",
    stopGraceMs: wanted.stopGraceMs ?? STOP_GRACE_MS,
    settleMs: SETTLE_MS,
    readiness: wanted.readiness ? readinessOf(wanted.readiness, port) : null,
    liveness: wanted.liveness
      ? {
        question: questionOf(wanted.liveness, port),
        components: null,
        ...livenessPace(wanted.liveness),
      }
      : null,
    finalExitCodes: [],
    knownFailures: [],
  };
}

function readinessOf(
  { withinMs = READY_WITHIN_MS, logLine, ...asked }: Readiness,
  port: number | null,
): ContainerReadiness {
  if (!logLine) return { ...questionOf(asked, port), withinMs };
  const { contains = null, matches = null } = logLine;
  return { kind: "log", contains, matches, withinMs };
}

function questionOf(
  asked: Pick<Liveness, "http" | "tcp" | "command">,
  port: number | null,
): ContainerQuestion {
  if (asked.command) return { kind: "command", argv: asked.command };
  const at = (asked.http ?? asked.tcp)?.port ?? port;
  if (at === null) throw new Error("a probe without a port: its configuration was not checked");
  return asked.http ? { kind: "http", port: at, path: asked.http.path } : { kind: "tcp", port: at };
}

/** Whether a line of a server's output is the one that says that it is ready. */
export function lineTest(
  { contains, matches }: Extract<ContainerReadiness, { kind: "log" }>,
): (line: string) => boolean {
  if (contains !== null) return (line) => line.includes(contains);
  const parsed = parseLinePattern(matches ?? ".");
  if ("fault" in parsed) throw new Error(`a pattern that was not checked: ${parsed.fault}`);
  return (line) => parsed.matches(line);
}
