/** The port to a container engine: what the docker platform asks of a daemon. */
import type { Limits } from "../../events/limits.ts";
import type { PrintedLine, PrintedReading } from "../printed_output.ts";
import type { Labels } from "./container_labels.ts";

/** Who a daemon is. */
export interface EngineIdentity {
  /** Kept over restarts of the daemon. */
  id: string;
  /** Where its published ports are reached from here. */
  address: string;
  /** It can put an init process first, which reaps children and passes signals on. */
  hasInit: boolean;
  /** Who keeps what containers print, where they say nothing else: `json-file`, `local`, `journald`, … */
  logDriver: string;
}

/** One container as a list shows it. */
export interface ContainerSeen {
  id: string;
  /** Without the slash that the daemon puts before it. */
  name: string;
  labels: Labels;
  /** `created`: it was never started. `ended`: also one that could not be started. */
  state: "created" | "running" | "ended";
}

/** One container as it is now. Times are epoch milliseconds by the daemon's clock. */
export interface ContainerState extends ContainerSeen {
  image: string;
  /** Null: it was never started. */
  startedAt: number | null;
  endedAt: number | null;
  /** Of the container's first process; as a shell sees it. */
  exitCode: number;
  isOutOfMemory: boolean;
  /** What the daemon says of a start that failed. */
  fault: string;
  memoryBytes: number | null;
  /** Where each port is published: container's port to host's. */
  ports: ReadonlyMap<number, number>;
}

/** A container to be made. */
export interface ContainerWanted {
  name: string;
  labels: Labels;
  image: string;
  command: readonly string[] | null;
  env: Readonly<Record<string, string>>;
  workingDirectory: string | null;
  user: string | null;
  host: string;
  ports: readonly { port: number; published: number | null }[];
  /** By the names that the daemon knows them by. */
  volumes: readonly { name: string; path: string }[];
  isReadOnly: boolean;
  stopSignal: string;
  limits: Limits | undefined;
  hasInit: boolean;
  /** How much of its output is kept, and by which driver; null: as the daemon does by itself. */
  output: { driver: string; keptMib: number } | null;
}

/** What is put into a container, by absolute paths; its image may have folders and volumes there. */
export interface ContainerContent {
  /** For all to read. */
  files: readonly { path: string; content: string }[];
  /** Folders, for all to write to. */
  writable: readonly string[];
}

/** What came of making one. */
export type Creation = { kind: "created"; id: string } | { kind: "name-taken" | "no-image" };

/**
 * Containers of one namespace. Every call may throw an `OperationalError`: `docker_unreachable` (retryable), or
 * `docker_refused` with the daemon's own words.
 */
export interface ContainerEngine {
  identity(): Promise<EngineIdentity>;
  /** All containers of the namespace, or of one of its instances, the newest first. */
  list(instanceId: string | null): Promise<ContainerSeen[]>;
  /** Null: there is none such. */
  inspect(id: string): Promise<ContainerState | null>;
  create(wanted: ContainerWanted): Promise<Creation>;
  /** Puts files and folders into one that was not started. False: it is not there any more. */
  fill(id: string, content: ContainerContent): Promise<boolean>;
  /** False: it is not there any more. */
  start(id: string): Promise<boolean>;
  /** False: it does not run. */
  signal(id: string, signal: string): Promise<boolean>;
  /** False: the name is taken, or there is no such container. */
  rename(id: string, name: string): Promise<boolean>;
  /** Also one that runs. One that is not there is a success. */
  remove(id: string): Promise<void>;
}

/** Volumes of one namespace: data of instances, and marks, which are volumes that nobody mounts. */
export interface EngineVolumes {
  /** Makes one; one that is there already is a success, and stays as it is. */
  make(name: string, labels: Labels): Promise<void>;
  list(instanceId: string): Promise<{ name: string; labels: Labels }[]>;
  /** One that is in use, or not there, is left at that. */
  remove(name: string): Promise<void>;
}

/** What a container uses at one moment. */
export interface UsageSample {
  /** Since its start. */
  cpuSeconds: number;
  /** Without what the kernel only caches for it. */
  memoryBytes: number;
  processes: number;
}

/** A program's exit code; null where it did not end in time; `still-running`: the one before it, so it was not begun. */
export type ProgramEnd = number | null | "still-running";

/** Who hears of ends. */
export interface EndListeners {
  /** From here on no end is missed; those before it may have been. */
  onOpen(): void;
  /** With the container's id. */
  onEnd(id: string): void;
}

/** What goes on in a daemon beside its containers' states. */
export interface EngineTalk {
  /** Brings an image here, or breaks off; `onProgress` hears what is under way, in words. */
  pull(image: string, onProgress: (words: string) => void, signal: AbortSignal): Promise<void>;
  /** What a container printed, in the order in which the daemon got it. */
  printed(id: string, reading: PrintedReading): AsyncIterable<PrintedLine>;
  /** Tells of each container of the namespace that ends, until it is aborted or the connection is lost. */
  watchEnds(listeners: EndListeners, signal: AbortSignal): Promise<void>;
  /** Null: it does not run. */
  usage(id: string): Promise<UsageSample | null>;
  /** Runs a program in a container, unless one that it ran before has not ended yet: nobody can end such a one. */
  execute(id: string, argv: readonly string[], signal: AbortSignal): Promise<ProgramEnd>;
}
