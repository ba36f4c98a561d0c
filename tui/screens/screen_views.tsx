/** How each screen is drawn, by its name. */
import type { ReactElement } from "react";
import { Lines } from "../components/lines.tsx";
import { lineOf } from "../model/line.ts";
import { type ScreenId } from "../model/places.ts";
import { EventsScreen } from "./events_screen.tsx";
import { FleetScreen } from "./fleet_screen.tsx";
import { InstanceScreen } from "./instance_screen.tsx";
import { LogsScreen } from "./logs_screen.tsx";
import type { ScreenProps } from "./screen_props.ts";
import { WorkersScreen } from "./workers_screen.tsx";

export const SCREEN_VIEWS: Readonly<Record<ScreenId, (props: ScreenProps) => ReactElement>> = {
  fleet: FleetScreen,
  workers: WorkersScreen,
  events: EventsScreen,
  metrics: ComingScreen,
  plan: ComingScreen,
  logs: LogsScreen,
  instance: InstanceScreen,
  timeline: ComingScreen,
};

/** A place that is kept for a screen. */
function ComingScreen(): ReactElement {
  return (
    <Lines lines={[lineOf(""), lineOf("  There is nothing on this screen yet; Esc goes back.")]} />
  );
}
