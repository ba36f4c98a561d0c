/** How a container ends when it is asked to, and what runs beside it meanwhile: hooks and probes. */
import type { ContainerProcess, ProcessPlan } from "./container_process.ts";
import { mountedPaths, type VolumeFolders } from "./container_plan.ts";
import type { Execute, ProbeResult } from "./container_probes.ts";
import { goDuration } from "./go_duration.ts";
import type { Container } from "./kube_objects.ts";

/** What is to be done before and at the end. */
interface Ending {
  preStop: NonNullable<Container["lifecycle"]>["preStop"];
  signal: Deno.Signal;
  graceMs: number;
  run: Execute;
}

/** A hook that used the whole grace up leaves the process so much. */
const GRACE_AFTER_HOOK_MS = 2_000;

/** Hook, signal, and SIGKILL when the grace is over; done when the process is gone. */
export async function endContainer(
  process: ContainerProcess,
  { preStop, signal, graceMs, run }: Ending,
): Promise<void> {
  const began = performance.now();
  if (graceMs > 0) {
    if (preStop?.exec) await run(preStop.exec.command, graceMs);
    if (preStop?.sleep) await within(process, Math.min(preStop.sleep.seconds * 1_000, graceMs));
    process.signal(signal);
    const left = graceMs - (performance.now() - began);
    await within(process, preStop ? Math.max(left, GRACE_AFTER_HOOK_MS) : left);
  }
  process.signal("SIGKILL");
  await process.ended;
}

async function within(process: ContainerProcess, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([process.ended, late]);
  clearTimeout(timer);
}

/** Runs a program with the container's environment and folder, as an exec probe or a hook. */
export async function executeBeside(
  process: ContainerProcess | null,
  plan: ProcessPlan | null,
  argv: readonly string[],
  container: Container,
  { volumes }: { volumes: VolumeFolders },
  timeoutMs: number,
): Promise<ProbeResult> {
  if (!process || !plan) return { isOk: false, message: "container not running" };
  const mounted = mountedPaths(container, volumes);
  const [program = "", ...args] = withPid(argv, process).map(mounted);
  const abort = AbortSignal.timeout(timeoutMs);
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args,
      env: plan.env,
      cwd: plan.cwd,
      clearEnv: true,
      stdin: "null",
      signal: abort,
    }).output();
    const said = new TextDecoder().decode(
      code === 0 ? stdout : new Uint8Array([...stdout, ...stderr]),
    );
    if (abort.aborted) {
      return {
        isOk: false,
        message: `command timed out: "${argv.join(" ")}" timed out after ${goDuration(timeoutMs)}`,
      };
    }
    return { isOk: code === 0, message: said.trimEnd() };
  } catch (error) {
    return {
      isOk: false,
      message: `command "${argv.join(" ")}" failed: ${(error as Error).message}`,
    };
  }
}

/**
 * In a container the main process has id 1; on this host it has another. So `kill -INT 1` (as words,
 * or within a line of shell) names the real id; and where the kernel would not deliver the signal to
 * a process 1 that has no handler for it, the command does nothing.
 */
export function withPid(
  argv: readonly string[],
  process: Pick<ContainerProcess, "pid" | "minds">,
): string[] {
  const [first = ""] = argv;
  if (/(^|\/)kill$/.test(first) && argv.at(-1) === "1") {
    const signal = signalIn(argv.slice(1, -1).join(" "));
    return process.minds(signal) ? [...argv.slice(0, -1), String(process.pid)] : ["true"];
  }
  return argv.map((word) =>
    word.replace(
      /\bkill\b([^;&|\n]*?)\s1(?=\s|$|;|&|\|)/g,
      (_, options: string) =>
        process.minds(signalIn(options)) ? `kill${options} ${process.pid}` : ":",
    )
  );
}

function signalIn(options: string): Deno.Signal {
  const [name = "TERM"] = /[A-Z]+|\d+/.exec(options.replace(/SIG/, "")) ?? [];
  const numbers: Record<string, string> = {
    "1": "HUP",
    "2": "INT",
    "3": "QUIT",
    "9": "KILL",
    "15": "TERM",
  };
  return `SIG${numbers[name] ?? name}` as Deno.Signal;
}
