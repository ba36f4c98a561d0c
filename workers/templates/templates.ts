/** The table of templates: one line a kind of server. To add one, add its file and its line here. */
import type { Template } from "../../events/configuration.ts";
import type { JsonObject } from "../../events/json.ts";
import { commandWantsPort, planCommand } from "./command.ts";
import { drasiServerWantsPort, planDrasiServer } from "./drasi_server.ts";
import type { LaunchContext, LaunchPlan } from "./launch_plan.ts";

interface TemplateParts {
  wantsPort(configuration: JsonObject): boolean;
  plan(configuration: JsonObject, context: LaunchContext): LaunchPlan;
}

/** Templates that run as processes of a host; the others are for platforms that run images. */
export type HostTemplate = Exclude<Template, "image">;

const templates: Record<HostTemplate, TemplateParts> = {
  "drasi-server": { wantsPort: drasiServerWantsPort, plan: planDrasiServer },
  command: { wantsPort: commandWantsPort, plan: planCommand },
};

export function isHostTemplate(template: Template): template is HostTemplate {
  return template in templates;
}

/** Whether the platform has to pick a free port for this configuration, which has to be valid. */
export function wantsPort(template: HostTemplate, configuration: JsonObject): boolean {
  return templates[template].wantsPort(configuration);
}

/** The launch plan for a configuration that `configurationFaults` found nothing wrong with. Pure. */
export function planLaunch(
  template: HostTemplate,
  configuration: JsonObject,
  context: LaunchContext,
): LaunchPlan {
  return templates[template].plan(configuration, context);
}
