/** From the listening API to the exit: SIGINT, and the faults that strike a server that runs. */
import type { Booted } from "./boot.ts";
import type { Faults } from "./faults.ts";
import type { Write } from "./output.ts";

const FLOOD_CHUNK_BYTES = 64 * 1024;
const FLOOD_EVERY_MS = 5;

/**
 * Lives until the graceful stop is over. SIGINT is listened to from here on only, so that during boot
 * it kills, as upstream; the listener also keeps the process alive without an API. SIGTERM keeps its
 * default action: death without a word.
 */
export function untilStopped(booted: Booted, faults: Faults, stdout: Write): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    Deno.addSignalListener("SIGINT", () => {
      // The handler stays in place: a second SIGINT does nothing.
      if (isStopping) return;
      isStopping = true;
      booted.log("info", "drasi_server::server", "Shutting down Drasi Server");
      booted.log("info", "drasi_lib::lifecycle", "Stopping drasi-lib");
      if (faults.ignoresSigint) return;
      setTimeout(() => {
        booted.log("info", "drasi_lib::lifecycle", "drasi-lib stopped successfully");
        resolve();
      }, faults.slowStopMs);
    });
    strike(booted, faults, stdout);
  });
}

function strike(booted: Booted, faults: Faults, stdout: Write): void {
  if (faults.dropApiAfterMs !== null) {
    setTimeout(() => {
      booted.dropApi();
      booted.log(
        "error",
        "drasi_server::server",
        "Web API server error: stand-in fault: drop-api-after",
      );
    }, faults.dropApiAfterMs);
  }
  if (faults.floodBytes > 0) flood(faults.floodBytes, stdout);
}

/** Pours lines into stdout; on a full pipe that nobody reads, the write blocks and so does the API. */
function flood(totalBytes: number, stdout: Write): void {
  const line = `${"stand-in fault: flood-stdout ".padEnd(127, ".")}\n`;
  let leftBytes = totalBytes;
  const timer = setInterval(() => {
    const chunkBytes = Math.min(leftBytes, FLOOD_CHUNK_BYTES);
    stdout(line.repeat(Math.ceil(chunkBytes / line.length)));
    leftBytes -= chunkBytes;
    if (leftBytes <= 0) clearInterval(timer);
  }, FLOOD_EVERY_MS);
}
