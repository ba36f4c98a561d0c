/** What comes before any start of an image: whether its configuration is in order, whether its host allows it, and its secrets. */
import { configurationFaults, describeFaults } from "../../events/configuration.ts";
import { secretNamesIn } from "../../events/secret_reference.ts";
import { TEMPLATES_OF } from "../../events/specification.ts";
import type { Failure, StartSpec } from "../platform.ts";
import type { HostPolicy } from "../policy/host_policy.ts";
import { hostRefusal } from "../policy/host_rules.ts";
import { markOf, type SecretStore } from "../secret_store.ts";
import { final } from "../start_outcomes.ts";
import { type DrasiImage, planDrasiContainer } from "./drasi_container.ts";
import { pluginFieldsOf } from "./drasi_server.ts";
import { type ContainerPlan, planContainer } from "./image.ts";

/** Who runs images, that of drasi-server among them. */
export interface ImageHost {
  /** In messages: `docker`. */
  platform: "docker" | "kubernetes";
  drasiServer: DrasiImage;
  policy: HostPolicy;
  secrets: SecretStore;
}

/** A plan that may be carried out. Its environment still has references in the place of secrets. */
export interface CheckedImage {
  plan: ContainerPlan;
  /** What its references stand for, by name. */
  values: ReadonlyMap<string, string>;
}

/** The plan, or why nothing is to be started here at all. */
export async function checkedImage(
  { platform, drasiServer, policy, secrets: store }: ImageHost,
  spec: StartSpec,
): Promise<CheckedImage | Failure> {
  const { template, configuration, limits } = spec;
  if (!TEMPLATES_OF[platform].includes(template)) {
    const words = `A ${platform} worker runs images, not the template ${template}.`;
    return final("template_unsupported", words);
  }
  if (spec.lease) {
    return final(
      "lease_unsupported",
      `A ${platform} worker cannot end a container that its worker has left: ` +
        "set onWorkerLost to wait.",
    );
  }
  const faults = configurationFaults(template, configuration);
  if (faults.length > 0) {
    return final("configuration_invalid", `Configuration is invalid: ${describeFaults(faults)}`);
  }
  const secrets = secretNamesIn(configuration);
  const isDrasi = template === "drasi-server";
  const plan = isDrasi ? planDrasiContainer(spec, drasiServer) : planContainer(spec);
  const named = plan.ports.flatMap(({ published }) => published ?? []);
  const wish = {
    template,
    image: plan.image,
    secrets,
    ...(limits === undefined ? {} : { limits }),
    ...(isDrasi ? { pluginFields: pluginFieldsOf(configuration) } : {}),
  };
  for (const port of named.length === 0 ? [undefined] : named) {
    const refused = hostRefusal(policy, { ...wish, ...(port === undefined ? {} : { port }) });
    if (refused) return refused;
  }
  const found = await store.values(secrets);
  if ("code" in found) return found;
  const { values } = found;
  const given = [...values].map(([name, value]) => ({ name, mark: markOf(value) }));
  return { plan: { ...plan, given }, values };
}
