/** Finds out who listens on a port, for the failure of a start that wanted it. By `sh`, as `process_table.ts` says. */
import { readLines } from "./line_reader.ts";
import script from "./port_holder.sh" with { type: "text" };

/** `instance i-2 (process 31337)`, `process 402 (redis-server)`, `a process of user id 0`; null where it cannot be told. */
export async function portHolder(port: number, searchPath: string): Promise<string | null> {
  try {
    const child = new Deno.Command("sh", {
      args: ["-c", script, "draas-port-holder", String(port)],
      clearEnv: true,
      env: { PATH: searchPath, LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let told: string | null = null;
    for await (const line of readLines(child.stdout)) told ??= line;
    await child.status;
    return told === null ? null : describeHolder(told);
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
