/** The screens there are, by name. A new one has its line here and in `screens/screen_views.tsx`. */
import { eventsScreen } from "./events_screen.ts";
import { fleetScreen } from "./fleet_screen.ts";
import { instanceScreen } from "./instance_screen.ts";
import { logsScreen } from "./logs_screen.ts";
import type { Model } from "./model.ts";
import { present, type ScreenId } from "./places.ts";
import type { ScreenLogic } from "./screen_logic.ts";
import { workersScreen } from "./workers_screen.ts";

/** Of a screen that only draws; about the instances that it was opened for. */
function plainScreen(title: string): ScreenLogic {
  return { title, contexts: ["instance"], targets: ({ places }) => present(places).instanceIds };
}

export const SCREENS: Readonly<Record<ScreenId, ScreenLogic>> = {
  fleet: fleetScreen,
  workers: workersScreen,
  events: eventsScreen,
  metrics: plainScreen("Metrics"),
  plan: plainScreen("Plan"),
  logs: logsScreen,
  instance: instanceScreen,
  timeline: plainScreen("Timeline"),
};

/** What the present screen does. */
export function presentScreen({ places }: Model): ScreenLogic {
  return SCREENS[present(places).screen];
}
