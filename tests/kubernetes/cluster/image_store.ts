/** The images that a kubelet can get, and what it says when it can't. */
import type { KnownImage } from "./container_plan.ts";
import { pause, unlessAborted } from "./pause.ts";

/** Why an image isn't there: the reason and message of the container's waiting state. */
export class ImageError extends Error {
  constructor(
    readonly reason: "ErrImagePull" | "ErrImageNeverPull" | "InvalidImageName",
    message: string,
  ) {
    super(message);
  }
}

/** A registry and the node's own images in one. */
export class ImageStore {
  readonly #known: Map<string, KnownImage>;
  readonly #present = new Set<string>();
  /** How long a pull takes. */
  pullMs = 0;
  /** A pull does not end before this. */
  gate: Promise<unknown> = Promise.resolve();

  constructor(known: Record<string, KnownImage>) {
    this.#known = new Map(Object.entries(known));
  }

  /** Puts an image into the registry, as someone who pushes it. */
  push(image: string, brings: KnownImage = {}): void {
    this.#known.set(image, brings);
  }

  /** Removes an image from the node and from the registry. */
  remove(image: string): void {
    this.#known.delete(image);
    this.#present.delete(image);
  }

  /** Whether it is on the node. */
  isPresent(image: string): boolean {
    return this.#present.has(image);
  }

  /** @throws {ImageError} for a name that can't be one, or an image that may not be pulled */
  check(image: string, policy: string): void {
    if (!/^[a-z0-9][a-z0-9._:/@-]*$/.test(image.split(":")[0] ?? "")) {
      throw new ImageError(
        "InvalidImageName",
        `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`,
      );
    }
    if (policy === "Never" && !this.isPresent(image)) {
      throw new ImageError(
        "ErrImageNeverPull",
        `Container image "${image}" is not present with pull policy of Never`,
      );
    }
  }

  /** @throws {ImageError} when there is no such image */
  async pull(image: string, signal: AbortSignal): Promise<void> {
    await pause(this.pullMs, signal);
    await unlessAborted(this.gate, signal);
    if (signal.aborted) return;
    if (!this.#known.has(image)) {
      const full = image.includes("/") ? image : `docker.io/library/${image}`;
      throw new ImageError(
        "ErrImagePull",
        `failed to pull and unpack image "${full}": failed to resolve reference "${full}": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
      );
    }
    this.#present.add(image);
  }

  /** What it brings. */
  brings(image: string): KnownImage {
    return this.#known.get(image) ?? {};
  }
}

/** As `containerStatuses` tells it. */
export function imageId(image: string): string {
  const name = image.split(":")[0] ?? image;
  let hash = 0;
  for (const character of image) hash = Math.imul(hash, 31) + character.charCodeAt(0) >>> 0;
  return `docker.io/library/${name}@sha256:${hash.toString(16).padStart(64, "0")}`;
}
