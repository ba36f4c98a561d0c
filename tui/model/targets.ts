/** Which instances a request of the keyboard is about, and what of it each allows. Pure. */
import type { RequestType } from "../../machines/requests.ts";
import type { Instance } from "./instance.ts";
import type { Model } from "./model.ts";
import { present } from "./places.ts";
import { SCREENS } from "./screen_table.ts";

/** The instances that the present screen has in hand, as far as they are still there. */
export function targetsOf(model: Model): Instance[] {
  const ids = SCREENS[present(model.places).screen].targets?.(model) ?? [];
  return ids.flatMap((id) => model.fleet.instances.get(id) ?? []);
}

/** Those of `instances` that take a request now. */
export function taking(instances: readonly Instance[], verb: RequestType): Instance[] {
  return instances.filter(({ allowed }) => allowed.includes(verb));
}

/** `web`, or `20 instances`. */
export function subjectOf(instances: readonly Instance[]): string {
  const [only] = instances;
  return instances.length === 1 && only ? only.name : `${instances.length} instances`;
}

/** Why none of them takes a request. */
export function refusalText(instances: readonly Instance[], verb: RequestType): string {
  const [only] = instances;
  if (!only) return `There is no instance here to ${verb}.`;
  if (instances.length > 1) {
    return `None of the ${instances.length} can be asked to ${verb} as it is now.`;
  }
  const allowed = only.allowed.filter((one) => one !== "configure" && one !== "move");
  const instead = allowed.length === 0 ? "" : ` It takes ${allowed.join(", ")}.`;
  return `${only.name} is ${only.status}: it takes no ${verb}.${instead}`;
}
