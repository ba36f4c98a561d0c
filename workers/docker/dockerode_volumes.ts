/** The port to volumes on a Docker daemon, by dockerode. */
// @ts-types="./dockerode.d.ts"
import type Docker from "dockerode";
import type { EngineVolumes } from "./container_engine.ts";
import { instanceLabel, type Labels, namespaceLabel } from "./container_labels.ts";
import { CHANGE_WITHIN_MS, type EngineCalls } from "./engine_calls.ts";

export class DockerodeVolumes implements EngineVolumes {
  constructor(
    private readonly docker: Docker,
    private readonly calls: EngineCalls,
    private readonly namespace: string,
  ) {}

  async make(name: string, labels: Labels): Promise<void> {
    const wanted = { Name: name, Labels: { ...labels } };
    await this.calls.answer(
      (abortSignal) => this.docker.createVolume({ ...wanted, abortSignal }),
      { withinMs: CHANGE_WITHIN_MS },
    );
  }

  async list(instanceId: string): Promise<{ name: string; labels: Labels }[]> {
    const filters = { label: [namespaceLabel(this.namespace), instanceLabel(instanceId)] };
    const { Volumes } = await this.calls.answer((abortSignal) =>
      this.docker.listVolumes({ filters, abortSignal })
    );
    return (Volumes ?? []).map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} }));
  }

  async remove(name: string): Promise<void> {
    await this.calls.answer(
      (abortSignal) => this.docker.getVolume(name).remove({ abortSignal }),
      { instead: { 404: undefined, 409: undefined }, withinMs: CHANGE_WITHIN_MS },
    );
  }
}
