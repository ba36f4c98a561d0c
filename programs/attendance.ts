/** What a control plane does between its start and its end: it shows itself, and waits to be told to end. */
import type { FleetSystem } from "../actors/instance_system.ts";
import type { Incident } from "../actors/system_port.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { HttpDoor } from "./http_door.ts";
import { untilSignal } from "./terminal.ts";
import { VERSION } from "./version.ts";
import type { Voice } from "./voice.ts";
import { greeting, type Started } from "./words.ts";

/** A control plane that serves. */
export interface Attended {
  system: FleetSystem;
  door: Pick<HttpDoor, "url" | "fleet">;
}

/**
 * Shows the live view in a terminal, or greets; resolves when a person or a signal ends it.
 * @param environment for `NO_COLOR`
 */
export async function attend(
  { system, door }: Attended,
  { headless, environment, voice, ...started }:
    & { headless: boolean; environment: Readonly<Record<string, string>>; voice: Voice }
    & Pick<Started, "tookMs" | "place" | "end">,
): Promise<void> {
  const asked = untilSignal();
  if (headless || !Deno.stdout.isTerminal() || !Deno.stdin.isTerminal()) {
    voice.say(greeting(await system.status(), { ...started, version: VERSION, url: door.url }));
    return await asked;
  }
  const { showLiveView } = await import("../tui/live_view.tsx");
  const hasColor = (environment.NO_COLOR ?? "") === "";
  const view = showLiveView({ fleet: door.fleet(), clock: hostClock, version: VERSION, hasColor });
  await Promise.race([view.left, asked]);
  await view.close();
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
