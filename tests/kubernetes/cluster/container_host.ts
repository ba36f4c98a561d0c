/** What a node gives to the containers that it runs. */
import type { ReadSource, VolumeFolders } from "./container_plan.ts";
import type { EventNote } from "./event_recorder.ts";
import type { ImageStore } from "./image_store.ts";

/** What the node gives to a container. */
export interface ContainerHost {
  images: ImageStore;
  read: ReadSource;
  volumes: VolumeFolders;
  /** The process's working folder. */
  folder: string;
  backOffBaseMs: number;
  backOffMaxMs: number;
  say(note: EventNote): void;
  /** Something of the status is other than it was. */
  changed(): void;
}
