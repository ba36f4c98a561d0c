/** What a control plane does between its start and its end: it shows itself, and waits to be told to end. */
import type { FleetSystem } from "../actors/instance_system.ts";
import type { Incident } from "../actors/system_port.ts";
import type { HttpDoor } from "./http_door.ts";
import { tellBug, untilSignal } from "./terminal.ts";
import { showTui } from "./tui_screen.ts";
import { VERSION } from "./version.ts";
import type { Voice } from "./voice.ts";
import { greeting, type Started } from "./words.ts";

/** A control plane that serves. */
export interface Attended {
  system: FleetSystem;
  door: Pick<HttpDoor, "url" | "fleet">;
}

/** How it is shown. */
type Showing =
  & { headless: boolean; environment: Readonly<Record<string, string>>; voice: Voice }
  & Pick<Started, "tookMs" | "place" | "end">;

/**
 * Shows the terminal UI in a terminal, or greets; resolves when a person or a signal ends it.
 * @param environment for `NO_COLOR`, `TERM` and the locale
 */
export async function attend(
  { system, door }: Attended,
  { headless, environment, voice, ...started }: Showing,
): Promise<void> {
  const asked = untilSignal();
  if (!headless && Deno.stdout.isTerminal() && Deno.stdin.isTerminal()) {
    const onBug = (error: unknown) => tellBug(voice, error);
    try {
      return await showTui({ fleet: door.fleet(), environment, onBug }, asked);
    } catch (error) {
      // The control plane goes on without it.
      onBug(error);
    }
  }
  voice.say(greeting(await system.status(), { ...started, version: VERSION, url: door.url }));
  await asked;
}

/** Says what happened to the log, also when it is over. */
export function tellIncident(
  voice: Voice,
  { code, lostEvents, instanceIds }: Incident,
): void {
  const whose = instanceIds.slice(0, 10).join(", ");
  voice.tell(
    "error",
    code === "HISTORY_ROLLBACK"
      ? `${code}: the log lost its end: at least ${lostEvents} events that were acknowledged, of ${
        whose || "unknown instances"
      }.`
      : `${code}: what was kept of ${whose} is not what the events make.`,
    {
      code,
      lostEvents,
      hint: code === "HISTORY_ROLLBACK"
        ? "Workers report what really runs; look at these instances, and repeat what is missing."
        : "The events count; please report it.",
    },
  );
}
