/** How a kubelet gets a container's image, and waits longer each time that it can't. */
import type { ContainerHost } from "./container_host.ts";
import { ImageError } from "./image_store.ts";
import type { Container } from "./kube_objects.ts";
import { pause } from "./pause.ts";

/** What it tells of itself. */
export interface ImageTold {
  waits(reason: string, message: string): void;
  says(type: "Normal" | "Warning", reason: string, message: string): void;
}

/** Of the back-off, how long the first reason is told before the back-off is. */
const FIRST_TOLD_SHARE = 0.2;

/** One container's image. */
export class ContainerImage {
  readonly #container: Container;
  readonly #host: Pick<ContainerHost, "images" | "backOffBaseMs" | "backOffMaxMs">;
  readonly #told: ImageTold;
  #backOffMs = 0;

  constructor(
    container: Container,
    host: Pick<ContainerHost, "images" | "backOffBaseMs" | "backOffMaxMs">,
    told: ImageTold,
  ) {
    this.#container = container;
    this.#host = host;
    this.#told = told;
  }

  /** Done when it is on the node, or the signal is aborted. */
  async get(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        return await this.#try(signal);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        await this.#failed(error, signal);
      }
    }
  }

  async #try(signal: AbortSignal): Promise<void> {
    const { image, imagePullPolicy = "IfNotPresent" } = this.#container;
    const { images } = this.#host;
    images.check(image, imagePullPolicy);
    if (images.isPresent(image) && imagePullPolicy !== "Always") {
      const message = `Container image "${image}" already present on machine`;
      this.#told.says("Normal", "Pulled", message);
      return;
    }
    this.#told.says("Normal", "Pulling", `Pulling image "${image}"`);
    const began = performance.now();
    await images.pull(image, signal);
    if (signal.aborted) return;
    const took = `${Math.round(performance.now() - began)}ms`;
    this.#told.says(
      "Normal",
      "Pulled",
      `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: 1024 bytes.`,
    );
  }

  async #failed({ reason, message }: ImageError, signal: AbortSignal): Promise<void> {
    const { image } = this.#container;
    const { backOffBaseMs, backOffMaxMs } = this.#host;
    this.#backOffMs = Math.min(this.#backOffMs * 2 || backOffBaseMs, backOffMaxMs);
    this.#told.waits(reason, message);
    if (reason !== "ErrImagePull") {
      const what = reason === "InvalidImageName" ? "InspectFailed" : reason;
      this.#told.says("Warning", what, message);
      this.#told.says("Warning", "Failed", `Error: ${reason}`);
      await pause(this.#backOffMs, signal);
      return;
    }
    this.#told.says("Warning", "Failed", `Failed to pull image "${image}": ${message}`);
    this.#told.says("Warning", "Failed", "Error: ErrImagePull");
    if (!await pause(this.#backOffMs * FIRST_TOLD_SHARE, signal)) return;
    const backOff = `Back-off pulling image "${image}"`;
    this.#told.says("Normal", "BackOff", backOff);
    this.#told.says("Warning", "Failed", "Error: ImagePullBackOff");
    this.#told.waits("ImagePullBackOff", `${backOff}: ErrImagePull: ${message}`);
    await pause(this.#backOffMs, signal);
  }
}
