/** The port to volumes on a Docker daemon, by dockerode. */
// @ts-types="./dockerode.d.ts"
import type Docker from "dockerode";
import type { EngineVolumes } from "./container_engine.ts";
import { instanceLabel, type Labels, namespaceLabel } from "./container_labels.ts";
import type { DockerAddress } from "./docker_address.ts";
import { answered } from "./engine_failure.ts";

export class DockerodeVolumes implements EngineVolumes {
  constructor(
    private readonly docker: Docker,
    private readonly address: DockerAddress,
    private readonly namespace: string,
  ) {}

  async make(name: string, labels: Labels): Promise<void> {
    await answered(
      this.address.text,
      () => this.docker.createVolume({ Name: name, Labels: { ...labels } }),
    );
  }

  async list(instanceId: string): Promise<{ name: string; labels: Labels }[]> {
    const filters = { label: [namespaceLabel(this.namespace), instanceLabel(instanceId)] };
    const { Volumes } = await answered(
      this.address.text,
      () => this.docker.listVolumes({ filters }),
    );
    return (Volumes ?? []).map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} }));
  }

  async remove(name: string): Promise<void> {
    await answered(this.address.text, () => this.docker.getVolume(name).remove(), {
      404: undefined,
      409: undefined,
    });
  }
}
