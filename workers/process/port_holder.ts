/** Finds out who listens on a port, for the failure of a start that wanted it. */
import type { Clock } from "../../events/clock.ts";
import { askShell } from "./asked_shell.ts";
import script from "./port_holder.sh" with { type: "text" };

const WITHIN_MS = 5_000;

/** `instance i-2 (process 31337)`, `process 402 (redis-server)`, `a process of user id 0`; null where it cannot be told. */
export async function portHolder(
  clock: Clock,
  searchPath: string,
  port: number,
): Promise<string | null> {
  try {
    const question = { script, args: [String(port)], searchPath, withinMs: WITHIN_MS };
    const { lines: [line] } = await askShell(clock, question);
    return line === undefined ? null : describeHolder(line);
  } catch {
    // A host without a process to spare: that the port is taken is known all the same.
    return null;
  }
}

/** The script's line in words. */
export function describeHolder(line: string): string | null {
  const [pid, instanceId, ...name] = line.split(" ");
  if (pid === "-") return `a process of user id ${name.join(" ")}`;
  if (instanceId === undefined) return null;
  return instanceId === "-"
    ? `process ${pid} (${name.join(" ")})`
    : `instance ${instanceId} (process ${pid})`;
}
